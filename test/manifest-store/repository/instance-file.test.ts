import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  renameSync,
  statSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { link, lstat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { InstanceRunningError } from '../../../src/manifest-store/git/git-errors.ts'
import type { ClaimOptions, InstanceClaim } from '../../../src/manifest-store/repository/instance-file.ts'
import { claimInstance } from '../../../src/manifest-store/repository/instance-file.ts'
import { createTemporaryFolder } from '../../support/real-git.ts'

vi.mock(import('node:fs/promises'), { spy: true })

afterEach(() => {
  vi.resetAllMocks()
})

const isLinux = process.platform === 'linux'
const instanceFile = 'signalbox/instance.json'
const now = (): Date => new Date('2026-11-21T03:00:00Z')

/** Claims, and gives back when the test is over. */
async function claim(folder: string, options: ClaimOptions = {}): Promise<InstanceClaim> {
  const claimed = await claimInstance(folder, { now, silence: 200, ...options })
  onTestFinished(() => claimed.release())
  return claimed
}

function write(folder: string, content: string): void {
  mkdirSync(join(folder, 'signalbox'), { recursive: true })
  writeFileSync(join(folder, instanceFile), content)
}

function read(folder: string): Record<string, unknown> {
  return JSON.parse(readFileSync(join(folder, instanceFile), 'utf8')) as Record<string, unknown>
}

/** What this process writes of itself. */
async function ownContent(): Promise<Record<string, unknown>> {
  const folder = createTemporaryFolder()
  const claimed = await claimInstance(folder, { now })
  const content = read(folder)
  await claimed.release()
  return content
}

/** The id of a process that has ended. */
function deadProcess(): number {
  return spawnSync(process.execPath, ['--version']).pid
}

function logged(): { log: { warn: ReturnType<typeof vi.fn<(details: object, message: string) => void>> } } {
  return { log: { warn: vi.fn<(details: object, message: string) => void>() } }
}

describe('claiming a repository', () => {
  it('names this process in a file, and removes it in the end', async () => {
    const folder = createTemporaryFolder()
    const claimed = await claim(folder)
    expect(read(folder)).toMatchObject({
      hostname: hostname(),
      pid: process.pid,
      startedAt: '2026-11-21T03:00:00.000Z',
    })
    expect(readdirSync(join(folder, 'signalbox'))).toEqual(['instance.json'])
    await claimed.release()
    await claimed.release()
    expect(readdirSync(join(folder, 'signalbox'))).toEqual([])
    await claim(folder)
  })

  it.runIf(isLinux)('tells this process from others that get its id later or in another container', async () => {
    const folder = createTemporaryFolder()
    await claim(folder)
    const { processStart, pidNamespace } = read(folder)
    const startTicks = readFileSync('/proc/self/stat', 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')[19]
    expect(processStart).toBe(`${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${startTicks}`)
    expect(pidNamespace).toBe(readlinkSync('/proc/self/ns/pid'))
  })

  it.runIf(isLinux)('is refused while this process has it, with all that one needs to know', async () => {
    const folder = createTemporaryFolder()
    await claim(folder)
    const error = (await claim(folder).catch((reason: unknown) => reason)) as InstanceRunningError
    expect(error).toBeInstanceOf(InstanceRunningError)
    expect(error).toMatchObject({ code: 'INSTANCE_RUNNING', instanceFile: join(folder, instanceFile) })
    expect(error.message).toBe(
      `this repository is in use by another Signalbox: process ${process.pid} on host ${hostname()}, ` +
        'since 2026-11-21T03:00:00.000Z. Stop it, or give this one a repository of its own. ' +
        `If you are sure that it no longer runs, remove ${join(folder, instanceFile)}.`,
    )
  })

  it.runIf(isLinux)('is won by exactly one of many', async () => {
    const folder = createTemporaryFolder()
    const outcomes = await Promise.allSettled(Array.from({ length: 12 }, () => claim(folder)))
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(readdirSync(join(folder, 'signalbox'))).toEqual(['instance.json'])
  })

  it('works without hard links', async () => {
    const folder = createTemporaryFolder()
    vi.mocked(link).mockRejectedValue(Object.assign(new Error('no links'), { code: 'EPERM' }))
    const outcomes = await Promise.allSettled(Array.from({ length: 5 }, () => claim(folder)))
    const [winner, ...more] = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
    expect(more).toEqual([])
    expect(readdirSync(join(folder, 'signalbox'))).toEqual(['instance.json'])
    await winner?.release()
    expect(readdirSync(join(folder, 'signalbox'))).toEqual([])
  })

  it('fails with what the file system says otherwise', async () => {
    const folder = createTemporaryFolder()
    vi.mocked(link).mockRejectedValue(Object.assign(new Error('broken'), { code: 'EIO' }))
    await expect(claim(folder)).rejects.toMatchObject({ code: 'EIO' })
    expect(readdirSync(join(folder, 'signalbox'))).toEqual([])
  })
})

describe("another process's file", () => {
  it('is taken over when there is no such process', async () => {
    const folder = createTemporaryFolder()
    write(folder, JSON.stringify({ ...(await ownContent()), pid: deadProcess() }))
    const { log } = logged()
    await claim(folder, { log, silence: 60_000 })
    expect(read(folder)['pid']).toBe(process.pid)
    expect(log.warn).toHaveBeenCalledTimes(1)
    expect(log.warn.mock.calls[0]?.[1]).toMatch(/^taking over/)
  })

  it.runIf(isLinux)('is taken over when its process id belongs to a later process', async () => {
    const folder = createTemporaryFolder()
    const content = await ownContent()
    for (const processStart of [`${content['processStart'] as string}0`, '00000000-0000-0000-0000-000000000000 1']) {
      write(folder, JSON.stringify({ ...content, processStart }))
      const claimed = await claim(folder, { silence: 60_000 })
      expect(read(folder)).toEqual(content)
      await claimed.release()
    }
  })

  it('is taken over by exactly one of many', async () => {
    const dead = JSON.stringify({ ...(await ownContent()), pid: deadProcess() })
    for (let round = 0; round < 10; round += 1) {
      const folder = createTemporaryFolder()
      write(folder, dead)
      const outcomes = await Promise.allSettled(Array.from({ length: 12 }, () => claim(folder)))
      const reasons = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []))
      expect(reasons.filter((reason) => reason instanceof InstanceRunningError)).toHaveLength(11)
      expect(readdirSync(join(folder, 'signalbox'))).toEqual(['instance.json'])
    }
  })

  it('is taken over although a takeover was cut short once', async () => {
    const folder = createTemporaryFolder()
    write(folder, JSON.stringify({ ...(await ownContent()), pid: deadProcess() }))
    const lockFile = join(folder, `${instanceFile}.lock`)
    writeFileSync(lockFile, '')
    utimesSync(lockFile, new Date(), new Date(Date.now() - 60_000))
    await claim(folder)
    expect(readdirSync(join(folder, 'signalbox'))).toEqual(['instance.json'])
  })

  it('waits for a takeover that is under way', async () => {
    const folder = createTemporaryFolder()
    write(folder, JSON.stringify({ ...(await ownContent()), pid: deadProcess() }))
    const lockFile = join(folder, `${instanceFile}.lock`)
    writeFileSync(lockFile, '')
    let isClaimed = false
    const claiming = claim(folder).then(() => (isClaimed = true))
    await new Promise((done) => setTimeout(done, 200))
    expect(isClaimed).toBe(false)
    unlinkSync(lockFile)
    await claiming
  })
})

describe('the file of a process that cannot be seen', () => {
  const unseen: [string, object | string][] = [
    ['on another host', { hostname: 'elsewhere' }],
    ['whose start is not known', { processStart: undefined }],
    ['that says nothing', ''],
    ['that is cut off', '{"hostname":"elsew'],
    ['that says something else', '{"pid":"1"}'],
    ['with an impossible process', { pid: 2 ** 40 }],
  ]
  if (isLinux) unseen.push(['in another container', { pidNamespace: 'pid:[1]' }])

  async function contentOf(fault: object | string): Promise<string> {
    return typeof fault === 'string' ? fault : JSON.stringify({ ...(await ownContent()), ...fault })
  }

  it.each(unseen)('%s is taken over when nobody touches it for long enough', async (_, fault) => {
    const folder = createTemporaryFolder()
    write(folder, await contentOf(fault))
    const { log } = logged()
    const start = performance.now()
    await claim(folder, { silence: 300, log })
    expect(performance.now() - start).toBeGreaterThanOrEqual(295)
    expect(read(folder)['pid']).toBe(process.pid)
    expect(log.warn.mock.calls.map(([, message]) => message.slice(0, 7))).toEqual(['another', 'taking '])
  })

  it.each(unseen)('%s is respected as soon as it is touched', async (_, fault) => {
    const folder = createTemporaryFolder()
    const content = await contentOf(fault)
    write(folder, content)
    const timer = setTimeout(() => utimesSync(join(folder, instanceFile), 1, 1), 100)
    onTestFinished(() => clearTimeout(timer))
    await expect(claim(folder, { silence: 20_000 })).rejects.toThrow(InstanceRunningError)
    expect(readFileSync(join(folder, instanceFile), 'utf8')).toBe(content)
  })

  it('is claimed as soon as it is gone', async () => {
    const folder = createTemporaryFolder()
    write(folder, '')
    const timer = setTimeout(() => unlinkSync(join(folder, instanceFile)), 100)
    onTestFinished(() => clearTimeout(timer))
    await claim(folder, { silence: 20_000 })
    expect(read(folder)['pid']).toBe(process.pid)
  })

  it.runIf(isLinux)('is judged anew when it was replaced', async () => {
    const folder = createTemporaryFolder()
    write(folder, '')
    const content = JSON.stringify(await ownContent())
    const timer = setTimeout(() => {
      // Another file, not other content of the same.
      writeFileSync(join(folder, 'other'), content)
      renameSync(join(folder, 'other'), join(folder, instanceFile))
    }, 100)
    onTestFinished(() => clearTimeout(timer))
    await expect(claim(folder, { silence: 20_000 })).rejects.toThrow(`process ${process.pid} on host ${hostname()}`)
  })
})

describe('while a repository is claimed', () => {
  const modified = (folder: string): number => statSync(join(folder, instanceFile)).mtimeMs

  it('its file is touched, although the clock that it was given stands still', async () => {
    const folder = createTemporaryFolder()
    await claim(folder, { heartbeatInterval: 20 })
    const first = modified(folder)
    await vi.waitFor(() => expect(modified(folder)).not.toBe(first), { timeout: 5000 })
    const second = modified(folder)
    await vi.waitFor(() => expect(modified(folder)).not.toBe(second), { timeout: 5000 })
  })

  it('its file is no longer touched once it is given back', async () => {
    const folder = createTemporaryFolder()
    const { log } = logged()
    const claimed = await claim(folder, { heartbeatInterval: 5, log })
    await new Promise((done) => setTimeout(done, 30))
    await claimed.release()
    await new Promise((done) => setTimeout(done, 30))
    expect(log.warn).not.toHaveBeenCalled()
  })

  it('a file that is not ours is neither touched nor removed', async () => {
    const folder = createTemporaryFolder()
    const { log } = logged()
    const claimed = await claim(folder, { heartbeatInterval: 20, log })
    unlinkSync(join(folder, instanceFile))
    write(folder, "somebody else's")
    utimesSync(join(folder, instanceFile), 1, 1)
    await vi.waitFor(() => expect(log.warn).toHaveBeenCalled(), { timeout: 5000 })
    await new Promise((done) => setTimeout(done, 100))
    expect(log.warn.mock.calls.map(([, message]) => message)).toEqual([
      'the instance file is gone: another instance may use this repository now',
    ])
    expect(modified(folder)).toBe(1000)
    await claimed.release()
    expect(readFileSync(join(folder, instanceFile), 'utf8')).toBe("somebody else's")
  })

  it('a file that cannot be touched is no reason to fail', async () => {
    const folder = createTemporaryFolder()
    const { log } = logged()
    const claimed = await claim(folder, { heartbeatInterval: 20, log })
    vi.mocked(lstat).mockRejectedValueOnce(Object.assign(new Error('broken'), { code: 'EIO' }))
    await vi.waitFor(() => expect(log.warn).toHaveBeenCalled(), { timeout: 5000 })
    await claimed.release()
    expect(existsSync(join(folder, instanceFile))).toBe(false)
  })
})

/** Claims a repository in a process of its own; the tests' setup has built what it imports. */
const program = [
  '--input-type=module',
  '--eval',
  `import { claimInstance } from '${new URL('../../../dist/manifest-store/repository/instance-file.js', import.meta.url).href}'
  const [folder, options] = process.argv.slice(1)
  try {
    const claim = await claimInstance(folder, JSON.parse(options))
    console.log('claimed')
    process.stdin.once('data', () => process.stdin.destroy())
    process.stdin.once('end', () => claim.release())
  } catch (error) {
    console.log(error.code ?? error)
  }`,
]

describe('processes of their own', () => {
  /** A process that claims the repository, says `claimed` or the error's code, and keeps it until its input ends. */
  function start(folder: string, options: ClaimOptions = {}): ChildProcessWithoutNullStreams {
    const child = spawn(process.execPath, [...program, folder, JSON.stringify(options)])
    onTestFinished(() => void child.kill('SIGKILL'))
    return child
  }

  async function firstWord(child: ChildProcessWithoutNullStreams): Promise<string> {
    const [chunk] = (await once(child.stdout, 'data')) as [Buffer]
    return chunk.toString().trim()
  }

  it.runIf(isLinux)('refuse each other, until one was killed', async () => {
    const folder = createTemporaryFolder()
    const child = start(folder)
    expect(await firstWord(child)).toBe('claimed')
    expect(read(folder)['pid']).toBe(child.pid)
    await expect(claim(folder, { silence: 60_000 })).rejects.toThrow(`process ${child.pid} on host`)
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(read(folder)['pid']).toBe(child.pid)
    await claim(folder, { silence: 60_000 })
    expect(read(folder)['pid']).toBe(process.pid)
  })

  it.runIf(isLinux)('count as dead when they were killed and nobody has noticed', async () => {
    const folder = createTemporaryFolder()
    // Its parent becomes a program that never asks what became of its child, so it stays as a zombie.
    const script = 'exec 3<&0; "$@" <&3 & exec sleep 60'
    const shell = spawn('/bin/sh', ['-c', script, 'sh', process.execPath, ...program, folder, '{}'])
    onTestFinished(() => void shell.kill('SIGKILL'))
    expect(await firstWord(shell)).toBe('claimed')
    const pid = read(folder)['pid'] as number
    process.kill(pid, 'SIGKILL')
    await vi.waitFor(() => expect(readFileSync(`/proc/${pid}/stat`, 'utf8')).toMatch(/\) Z /), { timeout: 5000 })
    await claim(folder, { silence: 60_000 })
  })

  it('give the repository back when they end as they should', async () => {
    const folder = createTemporaryFolder()
    const child = start(folder)
    expect(await firstWord(child)).toBe('claimed')
    child.stdin.end()
    const [code] = (await once(child, 'exit')) as [number]
    expect(code).toBe(0)
    expect(existsSync(join(folder, instanceFile))).toBe(false)
  })

  it('are not kept alive by the claim', async () => {
    const folder = createTemporaryFolder()
    const child = start(folder, { heartbeatInterval: 50 })
    child.stdin.write('leave without a word\n')
    const [code] = (await once(child, 'exit')) as [number]
    expect(code).toBe(0)
    expect(existsSync(join(folder, instanceFile))).toBe(true)
  })

  it.runIf(isLinux)('are let in one at a time', async () => {
    const folder = createTemporaryFolder()
    write(folder, JSON.stringify({ ...(await ownContent()), pid: deadProcess() }))
    const words = await Promise.all(Array.from({ length: 5 }, () => firstWord(start(folder))))
    expect(words.toSorted()).toEqual([...Array.from({ length: 4 }, () => 'INSTANCE_RUNNING'), 'claimed'])
  })
})
