import { readFile, readlink } from 'node:fs/promises'
import { hostname } from 'node:os'

/** Enough about a process to tell later, from the same host, whether it still runs. */
export interface ProcessIdentity {
  readonly hostname: string
  readonly pid: number
  /** Changes when a process id is used again. Known on Linux only. */
  readonly processStart?: string | undefined
  /** The processes that can be seen: a container has its own, often under the name of its host. Known on Linux only. */
  readonly pidNamespace?: string | undefined
}

export async function identifyThisProcess(): Promise<ProcessIdentity> {
  const status = await readProcessStatus(process.pid)
  return {
    hostname: hostname(),
    pid: process.pid,
    processStart: status?.start,
    pidNamespace: await readlink('/proc/self/ns/pid').catch(() => undefined),
  }
}

/** Whether a process still runs; `unknown` when that cannot be seen from here. */
export async function observeProcess(other: ProcessIdentity): Promise<'running' | 'gone' | 'unknown'> {
  const self = await identifyThisProcess()
  const isVisible = other.hostname === self.hostname && isSameOrUnknown(other.pidNamespace, self.pidNamespace)
  if (!isVisible) return 'unknown'
  if (!exists(other.pid)) return 'gone'
  const status = await readProcessStatus(other.pid)
  if (status?.isZombie) return 'gone'
  if (status === undefined || other.processStart === undefined) return 'unknown'
  return status.start === other.processStart ? 'running' : 'gone'
}

function isSameOrUnknown(a: string | undefined, b: string | undefined): boolean {
  return a === undefined || b === undefined || a === b
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: it exists, and is not ours to signal.
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH')
  }
}

async function readProcessStatus(pid: number): Promise<{ start: string; isZombie: boolean } | undefined> {
  try {
    const [status, bootId] = await Promise.all([
      readFile(`/proc/${pid}/stat`, 'utf8'),
      readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
    ])
    // proc(5): the second field is the program's name in brackets, which may hold anything; state is the third field,
    // the start in clock ticks since boot the 22nd.
    const fields = status.slice(status.lastIndexOf(')') + 2).split(' ')
    return { start: `${bootId.trim()} ${fields[19]}`, isZombie: fields[0] === 'Z' || fields[0] === 'X' }
  } catch {
    return undefined
  }
}
