import { randomBytes } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { link, mkdir, open, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { z } from 'zod'
import type { OpenFile } from '../git/disk.ts'
import { createDurably, hasCode, isSameFile, noHardLinks } from '../git/durable-file.ts'
import { InstanceRunningError } from '../git/git-errors.ts'
import type { ProcessIdentity } from './process-identity.ts'
import { observeProcess, identifyThisProcess } from './process-identity.ts'

export interface InstanceClaim {
  /** False when the file is gone, or another instance's: whoever comes may use the repository then. */
  isHeld(): Promise<boolean>
  /** Gives the repository back. Can be called more than once. */
  release(): Promise<void>
}

export interface ClaimOptions {
  /** What the file says about when we started. */
  readonly now?: () => Date
  readonly log?: { warn(details: object, message: string): void }
  /** How often the file is touched, in milliseconds. 5,000 unless given. */
  readonly heartbeatInterval?: number
  /** How long the file of an instance that cannot be seen must be left untouched until it counts as dead. 15,000 unless given. */
  readonly silence?: number
  /** What to do when another instance runs. */
  readonly advice?: string
}

/**
 * Makes this process the one instance that uses the repository, by a file that names it. Throws InstanceRunningError
 * when another one lives: at once when it can be seen on this host, otherwise as soon as its file is touched. A dead
 * one's file is taken over; that takes as long as `silence` if its process cannot be seen or its file cannot be read.
 */
export async function claimInstance(gitDirectory: string, options: ClaimOptions = {}): Promise<InstanceClaim> {
  const { now = () => new Date(), log, heartbeatInterval = 5000, silence = 15_000, advice } = options
  const path = join(gitDirectory, 'signalbox', 'instance.json')
  await mkdir(join(gitDirectory, 'signalbox'), { recursive: true })
  const instance: Instance = { ...(await identifyThisProcess()), startedAt: now().toISOString() }
  while (true) {
    const file = await createFile(path, `${JSON.stringify(instance)}\n`)
    if (file !== undefined) return keepAlive(file, path, heartbeatInterval, log)
    const found = await readInstanceFile(path)
    if (found === undefined) continue
    const state = await observeInstance(found, path, silence, log)
    if (state === 'running') {
      throw new InstanceRunningError(path, describeInstance(found.instance), advice)
    }
    if (state === 'replaced') continue
    log?.warn({ instance: found.instance }, 'taking over from an instance that did not give the repository back')
    await removeDeadFile(found, path)
  }
}

const instanceSchema = z.object({
  hostname: z.string(),
  pid: z.int().min(1),
  processStart: z.string().optional(),
  pidNamespace: z.string().optional(),
  startedAt: z.string(),
})

interface Instance extends ProcessIdentity {
  readonly startedAt: string
}

interface FoundFile {
  /** Undefined when the file does not say. */
  readonly instance: Instance | undefined
  readonly ino: bigint
  readonly mtime: bigint
}

/** Answers undefined when there is a file already. It is complete from the moment it is there. */
async function createFile(path: string, text: string): Promise<OpenFile | undefined> {
  const temporaryFile = `${path}.${randomBytes(6).toString('hex')}`
  const file = await createDurably(temporaryFile, text)
  try {
    await link(temporaryFile, path)
    return file
  } catch (error) {
    await file.close()
    if (hasCode(error, 'EEXIST')) return undefined
    if (!hasCode(error, ...noHardLinks)) throw error
    return await createDirectly(path, text)
  } finally {
    await rm(temporaryFile, { force: true })
  }
}

async function createDirectly(path: string, text: string): Promise<OpenFile | undefined> {
  try {
    return await createDurably(path, text)
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return undefined
    throw error
  }
}

async function readInstanceFile(path: string): Promise<FoundFile | undefined> {
  let file: FileHandle
  try {
    file = await open(path, 'r')
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
  try {
    const { ino, mtimeNs } = await file.stat({ bigint: true })
    return { instance: parseInstance(await file.readFile('utf8')), ino, mtime: mtimeNs }
  } finally {
    await file.close()
  }
}

function parseInstance(text: string): Instance | undefined {
  try {
    return instanceSchema.parse(JSON.parse(text))
  } catch {
    return undefined
  }
}

type InstanceState = 'running' | 'gone' | 'replaced'

async function observeInstance(
  found: FoundFile,
  path: string,
  silence: number,
  log: ClaimOptions['log'],
): Promise<InstanceState> {
  const state = found.instance === undefined ? 'unknown' : await observeProcess(found.instance)
  if (state !== 'unknown') return state
  log?.warn({ instance: found.instance, silence }, 'another instance may be running, waiting for a sign of it')
  return watchFile(found, path, silence)
}

/** Watches the file rather than comparing its time with ours: another host's clock may be off. */
async function watchFile(found: FoundFile, path: string, silence: number): Promise<InstanceState> {
  const end = performance.now() + silence
  for (let remaining = silence; remaining > 0; remaining = end - performance.now()) {
    await setTimeout(Math.min(remaining, 500))
    const current = await readInstanceFile(path)
    if (current?.ino !== found.ino) return 'replaced'
    if (current.mtime !== found.mtime) return 'running'
  }
  return 'gone'
}

function describeInstance(instance: Instance | undefined): string {
  if (instance === undefined) return 'its file does not say which, but it is being touched'
  return `process ${instance.pid} on host ${instance.hostname}, since ${instance.startedAt}`
}

/** How old the lock of a takeover gets only when its holder died, in milliseconds. It is held for a few. */
const longestTakeover = 10_000

/**
 * Removes a dead instance's file. Of those who found it dead one at a time does this, under a lock, and looks again
 * first: the others would remove the file of the one that was faster.
 */
async function removeDeadFile(found: FoundFile, path: string): Promise<void> {
  const lockFile = `${path}.lock`
  try {
    const lock = await open(lockFile, 'wx')
    await lock.close()
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error
    const stats = await stat(lockFile).catch(() => undefined)
    if (stats !== undefined && Date.now() - stats.mtimeMs > longestTakeover) await rm(lockFile, { force: true })
    return setTimeout(50)
  }
  try {
    const current = await readInstanceFile(path)
    if (current?.ino === found.ino && current.mtime === found.mtime) await rm(path)
  } finally {
    await rm(lockFile, { force: true })
  }
}

function keepAlive(file: OpenFile, path: string, interval: number, log: ClaimOptions['log']): InstanceClaim {
  const timer = setInterval(() => void beat(), interval).unref()
  let isReleased = false

  async function beat(): Promise<void> {
    try {
      // Through the open file, which never is somebody else's.
      await file.utimes(new Date(), new Date())
      if (await isSameFile(file, path)) return
      clearInterval(timer)
      log?.warn({ path }, 'the instance file is gone: another instance may use this repository now')
    } catch (error) {
      if (!isReleased) log?.warn({ err: error, path }, 'the instance file could not be touched')
    }
  }

  return {
    isHeld: async () => !isReleased && (await isSameFile(file, path)),
    release: async () => {
      if (isReleased) return
      isReleased = true
      clearInterval(timer)
      try {
        if (await isSameFile(file, path)) await rm(path, { force: true })
      } finally {
        await file.close()
      }
    },
  }
}
