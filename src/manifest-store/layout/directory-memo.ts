import type { TreeEntry } from '../git/tree.ts'

/** How many entries are loaded at the same time: enough to keep a disk busy, few enough to keep memory small. */
const concurrency = 32

/** Whether the same thing would be read from both. A file and a link can have the same id. */
export function isSameEntry(a: TreeEntry | undefined, b: TreeEntry | undefined): boolean {
  return a?.id === b?.id && a?.mode === b?.mode
}

/**
 * What was loaded from each entry of one directory. An entry whose object id and mode are unchanged is not loaded again:
 * this is what lets a snapshot cost what changed, and share the rest with the one before.
 */
export class DirectoryMemo<T> {
  /** Those of the last update, and their values. */
  #entries: readonly TreeEntry[] = []
  #values: ReadonlyMap<string, T> = new Map()
  /** The names among them that the next update loads whether or not they changed. */
  #unsettled = new Set<string>()

  /** The remembered value of an entry. */
  get(name: string): T | undefined {
    return this.#unsettled.has(name) ? undefined : this.#values.get(name)
  }

  /** What is remembered, with its entry. */
  *remembered(): Generator<{ readonly entry: TreeEntry; readonly value: T }> {
    for (const entry of this.#entries) {
      if (!this.#unsettled.has(entry.name)) yield { entry, value: this.#values.get(entry.name) as T }
    }
  }

  /** Makes the next update load the entry, whether or not it changed. */
  forget(name: string): void {
    this.#unsettled.add(name)
  }

  /**
   * The value of each entry, by name, in the order of the entries. `load` is called for new and changed ones; what it
   * answers is remembered unless `isFinal` says that a later attempt may do better. What `knownOf` answers need not be loaded:
   * asking for ten thousand entries one after the other is far cheaper than waiting for each.
   */
  async update(
    entries: readonly TreeEntry[],
    load: (entry: TreeEntry) => Promise<{ readonly value: T; readonly isFinal: boolean }>,
    knownOf: (entry: TreeEntry) => T | undefined = () => undefined,
  ): Promise<ReadonlyMap<string, T>> {
    const { before, values } = this.#compare(entries)
    const changed = entries.filter(
      (entry, at) => !isSameEntry(before(entry, at), entry) || this.#unsettled.has(entry.name),
    )
    const missing: TreeEntry[] = []
    for (const entry of changed) {
      const known = knownOf(entry)
      if (known === undefined) missing.push(entry)
      else values.set(entry.name, known)
    }
    const unsettled = new Set<string>()
    const next = oneByOne(missing)
    const worker = async () => {
      for (const entry of next) {
        const { value, isFinal } = await load(entry)
        values.set(entry.name, value)
        if (!isFinal) unsettled.add(entry.name)
      }
    }
    await Promise.all(Array.from({ length: Math.min(concurrency, missing.length) }, worker))
    this.#entries = entries
    this.#values = values
    this.#unsettled = unsettled
    return values
  }

  /** How to find what an entry was, and the values as far as they are known: each name has its place in the order. */
  #compare(entries: readonly TreeEntry[]) {
    const old = this.#entries
    if (entries.length === old.length && entries.every(({ name }, at) => name === old[at]?.name)) {
      // Mostly: nothing is looked up.
      return { before: (_: TreeEntry, at: number) => old[at], values: new Map(this.#values) }
    }
    const byName = new Map(old.map((entry) => [entry.name, entry]))
    return {
      before: ({ name }: TreeEntry) => byName.get(name),
      values: new Map(entries.map(({ name }) => [name, this.#values.get(name) as T])),
    }
  }
}

/** Workers that share it take turns. Unlike an array's iterator it ends for all of them when one fails. */
function* oneByOne<T>(items: readonly T[]): Generator<T> {
  yield* items
}
