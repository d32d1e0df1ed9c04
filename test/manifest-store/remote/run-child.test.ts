import { spawnSync } from 'node:child_process'
import { describe, expect, it, vi } from 'vitest'
import type { ChildOptions } from '../../../src/manifest-store/remote/run-child.ts'
import { runChild } from '../../../src/manifest-store/remote/run-child.ts'

describe('a program', () => {
  it('gets its input and its environment, and nothing of ours', async () => {
    const end = await run('cat; env | sort', {
      input: 'hello\n',
      environment: { PATH: process.env['PATH'] ?? '', A: 'b' },
    })
    expect(end).toMatchObject({ kind: 'ended', code: 0, errors: '' })
    expect(outputOf(end)).toMatch(/^hello\nA=b\nPATH=.*\nPWD=.*/)
    expect(outputOf(end)).not.toContain('HOME=')
  })

  it('may fail, and need not want its input', async () => {
    const end = await run('echo why >&2; exit 3', { input: 'x'.repeat(1_000_000) })
    expect(end).toMatchObject({ kind: 'ended', code: 3, errors: 'why\n' })
  })

  it('may be missing', async () => {
    expect(await run('', { command: 'signalbox-no-such-program' })).toMatchObject({
      kind: 'not-started',
      cause: { code: 'ENOENT' },
    })
  })

  it('may say as much on its standard error as it likes: the end is kept', async () => {
    const end = await run(
      'i=0; while [ $i -lt 3000 ]; do echo "line $i with some words in it ......" >&2; i=$((i+1)); done',
    )
    expect(end).toMatchObject({
      kind: 'ended',
      errors: expect.stringMatching(/line 2999 with some words in it \.+\n$/) as string,
    })
    expect((end as { errors: string }).errors).toHaveLength(64 * 1024)
  })

  it('is ended when it prints too much', async () => {
    expect(await run('yes', { maximumOutput: 1000 })).toEqual({ kind: 'too-much-output' })
  })

  it('is ended when it takes too long, with all that it has started', async () => {
    const end = await run('sleep 60 & echo $! >&2; sleep 60', { timeout: 500 })
    expect(end).toMatchObject({ kind: 'timeout', milliseconds: 500 })
    await expectGone(pidIn(end))
  })

  it('is ended when it does not want to end', async () => {
    const end = await run("trap '' TERM; echo $$ >&2; while :; do sleep 0.1; done", { timeout: 500 })
    expect(end).toMatchObject({ kind: 'timeout' })
    await expectGone(pidIn(end))
  })

  it('is ended when it is silent for too long, and not while it speaks', async () => {
    const speaking = 'for i in 1 2 3 4 5 6; do sleep 0.3; echo $i >&2; done'
    expect(await run(speaking, { silenceTimeout: 1500 })).toMatchObject({ kind: 'ended', code: 0 })
    expect(await run('echo 1; sleep 60', { silenceTimeout: 500 })).toMatchObject({ kind: 'timeout', milliseconds: 500 })
  })

  it('is ended from outside, or not begun', async () => {
    const closing = new AbortController()
    const running = run('sleep 60', { signal: closing.signal })
    closing.abort()
    expect(await running).toEqual({ kind: 'closed' })
    expect(await run('exit 0', { signal: closing.signal })).toEqual({ kind: 'closed' })
  })

  it('is not waited for because of what it leaves running', async () => {
    const end = await run('sleep 60 & echo $! >&2')
    expect(end).toMatchObject({ kind: 'ended', code: 0 })
    process.kill(pidIn(end), 'SIGKILL')
  })
})

function run(script: string, options: Partial<ChildOptions> = {}) {
  return runChild({
    command: 'sh',
    args: ['-c', script],
    environment: { PATH: process.env['PATH'] ?? '' },
    timeout: 30_000,
    maximumOutput: 1_000_000,
    signal: new AbortController().signal,
    ...options,
  })
}

function outputOf(end: Awaited<ReturnType<typeof runChild>>): string {
  return end.kind === 'ended' ? end.output.toString() : ''
}

function pidIn(end: Awaited<ReturnType<typeof runChild>>): number {
  return Number((end as { errors: string }).errors.split('\n')[0])
}

async function expectGone(pid: number): Promise<void> {
  expect(pid).toBeGreaterThan(1)
  await vi.waitUntil(() => !isAlive(pid), { timeout: 20_000 })
}

/** One that has ended, and whose end nobody has asked for, is gone too. */
function isAlive(pid: number): boolean {
  const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' })
  return /^[^Z\s]/u.test(stdout.trim())
}
