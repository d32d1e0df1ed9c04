import { git } from '../support/real-git.ts'

/** One commit as git prints it. */
export interface HistoryCommit {
  readonly id: string
  readonly parents: readonly string[]
  readonly committedAt: Date
  /** By which its write is known: the request's id in the trailers, or the subject where somebody committed by hand. */
  readonly writeId: string
  /** What Signalbox calls it. Undefined for a commit by hand. */
  readonly command: string | undefined
  /** The idempotency key and the hash of the request behind it, as they stand there. */
  readonly key: string | undefined
}

const fields = [
  '%H',
  '%P',
  '%cI',
  '%s',
  ...['Request', 'Command', 'Idempotency-Key'].map(
    (name) => `%(trailers:key=Signalbox-${name},valueonly,separator=%x2C)`,
  ),
]

/** All commits of main but the first, which is the shop's, newest first. Read with git alone: this is not Signalbox's own reader. */
export function readHistory(repository: string): readonly HistoryCommit[] {
  const lines = git(['log', `--format=${fields.join('%x00')}`, 'main'], { cwd: repository })
    .trim()
    .split('\n')
  return lines.slice(0, -1).map((line) => {
    const [id = '', parents = '', time = '', subject = '', request = '', command = '', key = ''] = line.split('\0')
    return {
      id,
      parents: parents.split(' '),
      committedAt: new Date(time),
      writeId: request === '' ? subject : request,
      command: command === '' ? undefined : command,
      key: key === '' ? undefined : key,
    }
  })
}

/** What is wrong with the shape of a history that only ever grew at its end, as the server's own log of the branch has it. */
export function findRewrites(repository: string, history: readonly HistoryCommit[]): readonly string[] {
  const positions = new Map(history.map(({ id }, index) => [id, index]))
  const problems = history
    .filter(({ parents }) => parents.length !== 1)
    .map(({ id, parents }) => `${id} has ${parents.length} parents`)
  const moves = git(['reflog', 'show', '--format=%H', 'main'], { cwd: repository }).trim().split('\n')
  let last = -1
  for (const id of moves) {
    // The first commit is not in the list: it is further back than all.
    const position = positions.get(id) ?? history.length
    if (position <= last) problems.push(`the branch was moved back from ${id}`)
    last = position
  }
  return problems
}

/** What stands in one tree, as far as trains care. */
export class HandReader {
  readonly #repository: string
  readonly #paths: readonly string[]
  readonly #commit: string

  constructor(repository: string, commit: string) {
    this.#repository = repository
    this.#commit = commit
    this.#paths = git(['ls-tree', '-r', '-z', '--name-only', commit, 'environments/', 'applications/'], {
      cwd: repository,
    }).split('\0')
  }

  /** The directories of all locks, sorted, whether they have ended or not. */
  get locks(): readonly string[] {
    const directories = this.#paths.flatMap((path) => /^environments\/.*?\/locks\/[^/]+(?=\/)/.exec(path)?.[0] ?? [])
    return [...new Set(directories)].toSorted()
  }

  /** The locks that keep a train from bringing a version of the application to the environment. */
  locksOver(environment: string, application: string, now: Date): readonly string[] {
    const base = `environments/${environment}`
    const team = this.#has(`applications/${application}/team`) ? this.#read(`applications/${application}/team`) : ''
    const over = [`${base}/locks/`, `${base}/applications/${application}/locks/`, `${base}/teams/${team.trim()}/locks/`]
    return this.locks.filter(
      (lock) => over.some((beginning) => lock.startsWith(beginning)) && !this.#hasEnded(lock, now),
    )
  }

  #hasEnded(lock: string, now: Date): boolean {
    const file = `${lock}/expires_at`
    return this.#has(file) && new Date(this.#read(file).trim()) <= now
  }

  #has(path: string): boolean {
    return this.#paths.includes(path)
  }

  #read(path: string): string {
    return git(['cat-file', 'blob', `${this.#commit}:${path}`], { cwd: this.#repository })
  }
}

export interface TrainsJudged {
  /** One sentence for each lock that a train did not honour. */
  readonly problems: readonly string[]
  readonly trains: number
  readonly versions: number
  /** Trains with a lock somewhere in their environments that let others pass. */
  readonly trainsBesideLocks: number
}

/**
 * For each commit of a release train: no application to which it brought a version was locked in the commit before it, by a lock on the
 * environment, on the application there, or on the application's team there.
 */
export function judgeTrains(repository: string, history: readonly HistoryCommit[]): TrainsJudged {
  const problems: string[] = []
  let [trains, versions, trainsBesideLocks] = [0, 0, 0]
  for (const { id, parents, command, committedAt } of history) {
    const [parent] = parents
    if (command !== 'release-train' || parent === undefined) continue
    trains += 1
    const before = new HandReader(repository, parent)
    const brought = versionsBrought(repository, parent, id)
    versions += brought.length
    for (const { environment, application } of brought) {
      for (const lock of before.locksOver(environment, application, committedAt)) {
        problems.push(`train ${id} brought ${application} to ${environment} in spite of ${lock}`)
      }
    }
    const environments = new Set(brought.map(({ environment }) => environment))
    if (before.locks.some((lock) => environments.has(lock.split('/')[1] ?? ''))) trainsBesideLocks += 1
  }
  return { problems, trains, versions, trainsBesideLocks }
}

function versionsBrought(repository: string, from: string, to: string) {
  const names = git(['diff-tree', '-r', '-z', '--name-only', '--diff-filter=AMT', from, to, '--', 'environments/'], {
    cwd: repository,
  })
  return names.split('\0').flatMap((path) => {
    const [, environment, application] = /^environments\/([^/]+)\/applications\/([^/]+)\/version$/.exec(path) ?? []
    return environment === undefined || application === undefined ? [] : [{ environment, application }]
  })
}
