import { createHash, randomBytes } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { chmod, link, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { CommandFailure } from '../command.ts'
import type { Session } from './session.ts'
import { toSession } from './session.ts'

export interface SessionFilesOptions {
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly sleep: (milliseconds: number) => Promise<void>
}

/** Longer than two requests to an issuer take. */
const lockLastsFor = 60_000
const othersMayRead = 0o077

/**
 * Where sessions are kept: a file for each server in `$XDG_STATE_HOME/signalbox`, `~/.local/state/signalbox` without that variable.
 * Folder and files are for their owner alone from the moment that they are there.
 */
export class SessionFiles {
  readonly #folder: string | undefined
  readonly #sleep: (milliseconds: number) => Promise<void>

  constructor({ environment, sleep }: SessionFilesOptions) {
    const { XDG_STATE_HOME: state = '', HOME, USERPROFILE } = environment
    const home = HOME || USERPROFILE
    // A path that depends on the current folder is to be ignored, says the standard.
    if (isAbsolute(state)) this.#folder = join(state, 'signalbox')
    else if (home) this.#folder = join(home, '.local', 'state', 'signalbox')
    this.#sleep = sleep
  }

  /** Undefined when there is none. Throws CommandFailure for one that cannot be used. */
  async read(server: string): Promise<Session | undefined> {
    if (this.#folder === undefined) return undefined
    const file = this.#fileOf(server)
    try {
      const { mode } = await stat(file)
      // On Windows modes say nothing: there a profile is for its owner.
      if (process.platform !== 'win32' && (mode & othersMayRead) !== 0) {
        throw notUsable(`others may read ${file}, so the tokens in it may be known`)
      }
      const session = toSession(JSON.parse(await readFile(file, 'utf8')))
      // Whatever a file is called, its token is for the server that it names itself.
      if (session?.server !== server) throw notUsable(`${file} holds no login at ${server}`)
      return session
    } catch (error) {
      if (error instanceof CommandFailure) throw error
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      const reason = error instanceof SyntaxError ? 'it is no JSON' : (error as Error).message
      throw notUsable(`${file} cannot be read: ${reason}`)
    }
  }

  /** Keeps it, whole or not at all. Throws CommandFailure. */
  async write(session: Session): Promise<void> {
    const file = this.#fileOf(session.server)
    const draft = `${file}.${randomBytes(8).toString('hex')}`
    try {
      await this.#makeFolder()
      const handle = await open(draft, 'wx', 0o600)
      try {
        await writeDurably(handle, `${JSON.stringify(session, undefined, 2)}\n`)
      } finally {
        await handle.close()
      }
      await rename(draft, file)
    } catch (error) {
      await rm(draft, { force: true }).catch(() => undefined)
      throw notKept(error)
    }
  }

  /** Answers whether there was one. Throws CommandFailure. */
  async remove(server: string): Promise<boolean> {
    if (this.#folder === undefined) return false
    try {
      await rm(this.#fileOf(server))
      return true
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
      throw notKept(error)
    }
  }

  /**
   * Does something to the session while no other invocation does: a refresh token that is used twice may end the session. A lock
   * whose process is gone, or that is old, counts for nothing.
   */
  async alone<Result>(server: string, act: () => Promise<Result>): Promise<Result> {
    const lock = `${this.#fileOf(server)}.lock`
    const mark = `${hostname()} ${process.pid} ${randomBytes(8).toString('hex')}`
    try {
      await this.#makeFolder()
      while (!(await isTaken(lock, mark))) {
        if (!(await removeIfDead(lock))) await this.#sleep(100)
      }
    } catch (error) {
      throw notKept(error)
    }
    try {
      return await act()
    } finally {
      if ((await readIfThere(lock)) === mark) await rm(lock, { force: true })
    }
  }

  #fileOf(server: string): string {
    if (this.#folder === undefined) throw notKept(new Error('neither HOME nor XDG_STATE_HOME says where'))
    return join(this.#folder, `${createHash('sha256').update(server).digest('hex')}.json`)
  }

  async #makeFolder(): Promise<void> {
    const folder = this.#folder ?? ''
    await mkdir(folder, { recursive: true, mode: 0o700 })
    // It may have been there.
    const { mode } = await stat(folder)
    if (process.platform !== 'win32' && (mode & othersMayRead) !== 0) await chmod(folder, 0o700)
  }
}

async function writeDurably(handle: FileHandle, text: string): Promise<void> {
  await handle.writeFile(text)
  await handle.sync()
}

async function isTaken(lock: string, mark: string): Promise<boolean> {
  try {
    const handle = await open(lock, 'wx', 0o600)
    try {
      await handle.writeFile(mark)
    } finally {
      await handle.close()
    }
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** Takes a lock away that nobody holds any more. Answers whether it is worth trying at once. */
async function removeIfDead(lock: string): Promise<boolean> {
  const mark = await readIfThere(lock)
  if (mark === undefined) return true
  const age = await stat(lock).then(
    ({ mtimeMs }) => Date.now() - mtimeMs,
    () => 0,
  )
  if (age < lockLastsFor && isAlive(mark)) return false
  // Of several that see it only one can move it; and one that was made meanwhile is put back.
  const moved = `${lock}.${randomBytes(8).toString('hex')}`
  try {
    await rename(lock, moved)
    if ((await readIfThere(moved)) !== mark) await link(moved, lock).catch(() => undefined)
    await rm(moved, { force: true })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  return true
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Of another machine nobody here knows, nor of a lock whose maker has not written its name yet. */
function isAlive(mark: string): boolean {
  const [host, id] = mark.split(' ')
  if (host !== hostname() || id === undefined) return true
  try {
    process.kill(Number(id), 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function notUsable(sentence: string): CommandFailure {
  return new CommandFailure(
    [sentence, '  Try: `signalbox logout`, then `signalbox login`.'],
    JSON.stringify({ code: 'LOGIN_UNUSABLE', detail: sentence }),
  )
}

function notKept(error: unknown): CommandFailure {
  const sentence = `the login cannot be kept on this machine: ${(error as Error).message}`
  return new CommandFailure(
    [sentence, '  Try: another folder in XDG_STATE_HOME, or a token in SIGNALBOX_TOKEN.'],
    JSON.stringify({ code: 'LOGIN_NOT_KEPT', detail: sentence }),
  )
}
