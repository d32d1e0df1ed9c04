import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { Answer } from './http-client.ts'
import { HttpClient } from './http-client.ts'

const serverMain = fileURLToPath(new URL('../../dist/server/main.js', import.meta.url))

export interface StartOptions {
  readonly repository: string
  readonly environment?: Readonly<Record<string, string>>
  /** Where the process leaves a CPU profile when it ends. */
  readonly profileFolder?: string | undefined
}

/** The shipped process, as `npm start` runs it. */
export interface Server {
  readonly url: string
  readonly pid: number
  /** Milliseconds from its start until it answered that it is ready. */
  readonly readyAfter: number
  readonly client: HttpClient
  /** Sends one request. Throws unless the answer says that it went well. */
  send(method: string, path: string, body?: object): Promise<Answer>
  /** The most megabytes of memory that were resident at any time; undefined where the system does not tell. */
  mostResidentMegabytes(): number | undefined
  stop(): Promise<void>
}

export async function startServer({ repository, environment = {}, profileFolder }: StartOptions): Promise<Server> {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('SIGNALBOX_'))
  const profiling = profileFolder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileFolder}`]
  const start = performance.now()
  const child = spawn(process.execPath, [...profiling, serverMain], {
    cwd: tmpdir(),
    env: {
      ...Object.fromEntries(inherited),
      SIGNALBOX_PORT: '0',
      SIGNALBOX_REPOSITORY: repository,
      // Stands in files that must not differ between copies in different folders.
      SIGNALBOX_ARGO_CD_REPOSITORY_URL: 'https://git.example.com/manifests.git',
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = once(child, 'close')
  // Its log is read all the time, as it would be in production, but only its first lines and its complaints are kept.
  let output = ''
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      if (output.length < 100_000) output += chunk.toString()
      const line = output.split('\n').find((text) => text.includes('"msg":"Signalbox serves"'))
      if (line !== undefined) resolve((JSON.parse(line) as { url: string }).url)
    })
    child.once('exit', (code) => reject(new Error(`the server ended with ${code} before it served:\n${output}`)))
  })
  const client = new HttpClient(url)
  const { status } = await client.send('GET', '/readyz')
  const readyAfter = performance.now() - start
  if (status !== 200) throw new Error(`the server serves, but is not ready: ${status}\n${output}`)
  const pid = child.pid ?? 0
  return {
    url,
    pid,
    readyAfter,
    client,
    send: async (method, path, body) => {
      const answer = await client.send(method, path, body === undefined ? {} : { body: JSON.stringify(body) })
      if (answer.status >= 300) throw new Error(`${method} ${path} was answered ${answer.status}:\n${answer.text()}`)
      return answer
    },
    mostResidentMegabytes: () => mostResidentMegabytes(pid),
    stop: async () => {
      client.close()
      child.kill('SIGTERM')
      const [code] = (await ended) as [number | null]
      if (code !== 0) throw new Error(`the server ended with ${code}:\n${output.slice(-5000)}`)
    },
  }
}

function mostResidentMegabytes(pid: number): number | undefined {
  try {
    const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
    return kilobytes === undefined ? undefined : Number(kilobytes) / 1024
  } catch {
    return undefined
  }
}
