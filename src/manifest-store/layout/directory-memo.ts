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
  #values = new Map<string, { readonly entry: TreeEntry; readonly value: T }>()

  /** The remembered value of an entry. */
  get(name: string): T | undefined {
    return this.#values.get(name)?.value
  }

  /** What is remembered, with its entry. */
  *remembered(): Generator<{ readonly entry: TreeEntry; readonly value: T }> {
    yield* this.#values.values()
  }

  /** Makes the next update load the entry, whether or not it changed. */
  forget(name: string): void {
    this.#values.delete(name)
  }

  /**
   * The value of each entry, by name, in the order of the entries. `load` is called for new and changed ones; what it
   * answers is remembered unless `isFinal` says that a later attempt may do better.
   */
  async update(
    entries: readonly TreeEntry[],
    load: (entry: TreeEntry) => Promise<{ readonly value: T; readonly isFinal: boolean }>,
  ): Promise<ReadonlyMap<string, T>> {
    const values = new Map<string, T>()
    const remembered = new Map<string, { readonly entry: TreeEntry; readonly value: T }>()
    const missing: TreeEntry[] = []
    for (const entry of entries) {
      const known = this.#values.get(entry.name)
      if (known !== undefined && isSameEntry(known.entry, entry)) {
        values.set(entry.name, known.value)
        remembered.set(entry.name, known)
      } else {
        // Keeps the entry's place in the order.
        values.set(entry.name, undefined as T)
        missing.push(entry)
      }
    }
    const next = oneByOne(missing)
    const worker = async () => {
      for (const entry of next) {
        const { value, isFinal } = await load(entry)
        values.set(entry.name, value)
        if (isFinal) remembered.set(entry.name, { entry, value })
      }
    }
    await Promise.all(Array.from({ length: Math.min(concurrency, missing.length) }, worker))
    this.#values = remembered
    return values
  }
}

/** Workers that share it take turns. Unlike an array's iterator it ends for all of them when one fails. */
function* oneByOne<T>(items: readonly T[]): Generator<T> {
  yield* items
}
