import { execFile } from 'node:child_process'
import { lstatSync, mkdirSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { gitEnvironment } from '../support/real-git.ts'
import type { Write } from './judge-writes.ts'
import type { Random } from './random.ts'

const run = promisify(execFile)
const environments = ['development', 'staging', 'production-de', 'production-fr'] as const
const applications = ['cart', 'catalog', 'checkout', 'inventory', 'shipping', 'web'] as const

/** How often a push is tried: others are faster, and a person would try again. */
const tries = 20

/**
 * Somebody who knows nothing of Signalbox: edits files in the same layout, commits, and pushes with plain git. The subject of a
 * commit is the id of the write.
 */
export class ForeignPusher {
  readonly #work: string
  readonly #random: Random
  readonly #locks: string[] = []
  #count = 0
  /** How often somebody else was faster. */
  rejected = 0

  private constructor(work: string, random: Random) {
    this.#work = work
    this.#random = random
  }

  static async clone(url: string, folder: string, random: Random): Promise<ForeignPusher> {
    const work = join(folder, 'by-hand')
    await run('git', ['clone', '--quiet', url, work], { env: gitEnvironment() })
    return new ForeignPusher(work, random)
  }

  /** Makes one change and pushes it. */
  async write(): Promise<Write> {
    this.#count += 1
    const requestId = `by-hand-${this.#count}`
    const { kind, edit, learn } = this.#plan(requestId)
    for (let attempt = 1; attempt <= tries; attempt += 1) {
      await this.#git('fetch', '--quiet', 'origin', 'main')
      await this.#git('reset', '--quiet', '--hard', 'FETCH_HEAD')
      edit()
      await this.#git('add', '--all')
      await this.#git('commit', '--quiet', '--message', requestId)
      try {
        await this.#git('push', '--quiet', 'origin', 'HEAD:main')
        learn?.()
        return { requestId, kind, answer: { status: 0, hasCommitted: true } }
      } catch (error) {
        // Anything else is no matter of a race.
        if (!/\[(?:remote )?rejected\]/.test((error as { stderr: string }).stderr)) throw error
        this.rejected += 1
      }
    }
    return { requestId, kind, answer: { status: 1, hasCommitted: false } }
  }

  #plan(id: string): { readonly kind: string; readonly edit: () => void; readonly learn?: () => void } {
    const kind = this.#random.below(10)
    if (kind < 3) return this.#setVersion()
    const [lock] = this.#locks
    if (kind < 6 && lock !== undefined) {
      const edit = () => rmSync(join(this.#work, lock), { recursive: true })
      return { kind: 'delete-lock-by-hand', edit, learn: () => void this.#locks.shift() }
    }
    return this.#putLock(id)
  }

  #putLock(id: string) {
    const base = `environments/${this.#random.pick(environments)}`
    const directory = this.#random.pick([
      `${base}/locks/${id}`,
      `${base}/applications/${this.#random.pick(applications)}/locks/${id}`,
      `${base}/teams/payments/locks/${id}`,
    ])
    // One of three has ended long ago: it stands there, and holds nobody up.
    const end = this.#random.pick(['', '2099-01-01T00:00:00Z', '2020-01-01T00:00:00Z'])
    const edit = () => {
      this.#writeFile(`${directory}/message`, 'By hand')
      this.#writeFile(`${directory}/created_by_name`, 'Keeper')
      this.#writeFile(`${directory}/created_by_email`, 'keeper@example.com')
      this.#writeFile(`${directory}/created_at`, '2026-05-01T08:00:00Z')
      if (end !== '') this.#writeFile(`${directory}/expires_at`, end)
    }
    // One that has ended may be cleared away by whoever writes next.
    const learn = () => void (end.startsWith('2020') || this.#locks.push(directory))
    return { kind: 'create-lock-by-hand', edit, learn }
  }

  #setVersion() {
    const application = this.#random.pick(applications)
    const path = `environments/${this.#random.pick(environments)}/applications/${application}/version`
    const edit = () => {
      const link = join(this.#work, path)
      // Also one that leads nowhere: not every application has a release of that number.
      const isThere = lstatSync(link, { throwIfNoEntry: false })?.isSymbolicLink() === true
      const before = isThere ? readlinkSync(link) : ''
      const target = (version: number) => `../../../../applications/${application}/releases/${version}`
      rmSync(link, { force: true })
      mkdirSync(dirname(link), { recursive: true })
      symlinkSync(before === target(1) ? target(2) : target(1), link)
    }
    return { kind: 'set-version-by-hand', edit }
  }

  #writeFile(path: string, text: string): void {
    const file = join(this.#work, path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
  }

  async #git(...args: string[]): Promise<void> {
    await run('git', ['-C', this.#work, ...args], { env: gitEnvironment() })
  }
}
