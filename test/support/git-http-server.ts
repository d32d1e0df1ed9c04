import { spawn } from 'node:child_process'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { git, gitEnvironment, hasGit } from './real-git.ts'
import { selfSigned } from './self-signed.ts'

/** Whether git is here with its server for smart HTTP: `it.runIf(hasGitHttpBackend)`. */
export const hasGitHttpBackend = hasGit && existsSync(backend())

if (!hasGitHttpBackend) {
  process.stderr.write(
    'skipped: tests against a git server over HTTP, because there is no git http-backend on this machine\n',
  )
}

function backend(): string {
  return join(git(['--exec-path']).trim(), 'git-http-backend')
}

export interface GitHttpServerOptions {
  /** The folder whose repositories are served. */
  readonly folder: string
  /** Who may come in, by Basic authentication; everybody unless given. May be changed while it runs. */
  readonly isAllowed?: (username: string, password: string) => boolean
  readonly isTls?: boolean
  /** Is shown each request first; true when it has answered, or will never. */
  readonly intercept?: (request: IncomingMessage, response: ServerResponse) => boolean
}

/** One request that was answered by git. */
export interface ServedRequest {
  readonly method: string
  readonly url: string
  readonly authorization: string | undefined
  readonly status: number
  readonly bytesIn: number
  readonly bytesOut: number
  /** From the first byte to git to its last: what the server takes for itself. */
  readonly milliseconds: number
}

export interface GitHttpServer {
  /** Of the folder, without a slash at its end. */
  readonly url: string
  readonly port: number
  /** What git answered, in order; what was intercepted or not let in is not among it. */
  readonly served: readonly ServedRequest[]
  /** All requests that came, answered or not, as `METHOD path`. */
  readonly seen: readonly string[]
  /** How many there are at this moment. */
  connections(): Promise<number>
  close(): Promise<void>
}

/** A git server as hosts run it: `git http-backend` behind HTTP on loopback. Its maker closes it. */
export async function startGitHttpServer(options: GitHttpServerOptions): Promise<GitHttpServer> {
  const { folder, isAllowed, isTls = false, intercept } = options
  const served: ServedRequest[] = []
  const seen: string[] = []
  const serve = (request: IncomingMessage, response: ServerResponse) => {
    seen.push(`${request.method ?? ''} ${request.url ?? ''}`)
    if (intercept?.(request, response) === true) return
    if (isAllowed !== undefined && !isAllowed(...readBasic(request))) {
      request.resume()
      response
        .writeHead(401, { 'WWW-Authenticate': 'Basic realm="git"', 'Content-Type': 'text/plain' })
        .end('who are you?\n')
      return
    }
    runBackend(folder, request, response, (one) => served.push(one))
  }
  const server = isTls ? createTlsServer(selfSigned, serve) : createServer(serve)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `${isTls ? 'https' : 'http'}://127.0.0.1:${port}`,
    port,
    served,
    seen,
    connections: () =>
      new Promise((resolve, reject) => {
        server.getConnections((error, count) => (error === null ? resolve(count) : reject(error)))
      }),
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** The same, closed after the test. Inside of a test only. */
export async function startTestGitHttpServer(options: GitHttpServerOptions): Promise<GitHttpServer> {
  const server = await startGitHttpServer(options)
  onTestFinished(() => server.close())
  return server
}

/** A bare repository as hosts keep it: it can be pushed to over HTTP, filters, and gives out objects by id. */
export function createServedRepository(folder: string, name = 'manifests.git'): string {
  const path = join(folder, name)
  git(['init', '--quiet', '--bare', '--initial-branch=main', path])
  configureAsHosts(path)
  return path
}

/** What hosts set for a repository that is served over HTTP. */
export function configureAsHosts(path: string): void {
  for (const [key, value] of [
    ['http.receivepack', 'true'],
    ['uploadpack.allowFilter', 'true'],
    ['uploadpack.allowAnySHA1InWant', 'true'],
  ] as const) {
    git(['-C', path, 'config', key, value])
  }
}

function readBasic({ headers: { authorization = '' } }: IncomingMessage): [username: string, password: string] {
  const [username = '', ...rest] = Buffer.from(authorization.replace(/^Basic /u, ''), 'base64')
    .toString()
    .split(':')
  return [username, rest.join(':')]
}

/** The Common Gateway Interface (RFC 3875), as far as `git http-backend` uses it. */
function runBackend(
  folder: string,
  request: IncomingMessage,
  response: ServerResponse,
  tell: (served: ServedRequest) => void,
): void {
  const begin = performance.now()
  const { pathname, search } = new URL(request.url ?? '', 'http://localhost')
  const child = spawn(backend(), {
    env: {
      ...gitEnvironment(),
      GIT_PROJECT_ROOT: folder,
      GIT_HTTP_EXPORT_ALL: '1',
      REQUEST_METHOD: request.method ?? '',
      PATH_INFO: decodeURIComponent(pathname),
      QUERY_STRING: search.slice(1),
      REMOTE_USER: readBasic(request)[0],
      REMOTE_ADDR: '127.0.0.1',
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      ...(request.headers['content-length'] !== undefined && { CONTENT_LENGTH: request.headers['content-length'] }),
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
      GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  let bytesIn = 0
  let bytesOut = 0
  request.on('data', (chunk: Buffer) => (bytesIn += chunk.length))
  child.stdin.on('error', () => undefined)
  request.pipe(child.stdin)
  request.on('close', () => {
    // Of a body that is cut off, git's program looks for the rest for ever. Web servers end it.
    if (request.complete) child.stdin.end()
    else child.kill('SIGKILL')
  })
  let head: Buffer | undefined = Buffer.alloc(0)
  child.stdout.on('data', (chunk: Buffer) => {
    if (head === undefined) {
      bytesOut += chunk.length
      response.write(chunk)
      return
    }
    head = Buffer.concat([head, chunk])
    const end = head.indexOf('\r\n\r\n')
    if (end === -1) return
    writeHead(response, head.toString('latin1', 0, end))
    const rest = head.subarray(end + 4)
    head = undefined
    bytesOut += rest.length
    response.write(rest)
  })
  child.on('error', () => response.destroy())
  child.on('close', () => {
    tell({
      method: request.method ?? '',
      url: request.url ?? '',
      authorization: request.headers.authorization,
      status: response.statusCode,
      bytesIn,
      bytesOut,
      milliseconds: performance.now() - begin,
    })
    if (head === undefined) response.end()
    else response.destroy()
  })
}

function writeHead(response: ServerResponse, head: string): void {
  let status = 200
  const headers: Record<string, string> = {}
  for (const line of head.split('\r\n')) {
    const at = line.indexOf(':')
    const name = line.slice(0, at)
    const value = line.slice(at + 1).trim()
    if (name.toLowerCase() === 'status') status = Number.parseInt(value, 10)
    else headers[name] = value
  }
  response.writeHead(status, headers)
}
