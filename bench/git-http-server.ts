import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { git } from './git.ts'

/** What git itself took for one request, and how much it was sent. */
export interface ServedRequest {
  readonly isPush: boolean
  /** Whether it brought the pack; the other one of a push asks where the refs are. */
  readonly isPack: boolean
  readonly milliseconds: number
  readonly bytesIn: number
}

export interface GitHttpServer {
  readonly url: string
  /** In order. */
  readonly served: ServedRequest[]
  close(): Promise<void>
}

/** Whether git is here with its server for HTTP. */
export function hasGitHttpBackend(): boolean {
  return existsSync(join(git('.', ['--exec-path']).trim(), 'git-http-backend'))
}

/** `git http-backend`, as hosts run it, on loopback, for the repositories in a folder. */
export async function startGitHttpServer(folder: string): Promise<GitHttpServer> {
  const served: ServedRequest[] = []
  const server = createServer((request, response) => answer(folder, request, response, (one) => served.push(one)))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    served,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** The Common Gateway Interface, as far as git needs it. */
function answer(
  folder: string,
  request: IncomingMessage,
  response: ServerResponse,
  tell: (one: ServedRequest) => void,
): void {
  const begin = performance.now()
  const { method = '', headers } = request
  const { pathname, search } = new URL(request.url ?? '', 'http://localhost')
  const child = spawn('git', ['http-backend'], {
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: folder,
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_PROJECT_ROOT: folder,
      GIT_HTTP_EXPORT_ALL: '1',
      REQUEST_METHOD: method,
      PATH_INFO: decodeURIComponent(pathname),
      QUERY_STRING: search.slice(1),
      REMOTE_ADDR: '127.0.0.1',
      CONTENT_TYPE: headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: headers['content-encoding'] ?? '',
      GIT_PROTOCOL: String(headers['git-protocol'] ?? ''),
      ...(headers['content-length'] !== undefined && { CONTENT_LENGTH: headers['content-length'] }),
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  let bytesIn = 0
  let output = Buffer.alloc(0)
  let isHeadSent = false
  request.on('data', (chunk: Buffer) => (bytesIn += chunk.length))
  child.stdin.on('error', () => undefined)
  request.pipe(child.stdin)
  child.stdout.on('data', (chunk: Buffer) => {
    if (isHeadSent) {
      response.write(chunk)
      return
    }
    output = Buffer.concat([output, chunk])
    const end = output.indexOf('\r\n\r\n')
    if (end < 0) return
    isHeadSent = true
    sendHead(response, output.toString('latin1', 0, end))
    response.write(output.subarray(end + 4))
  })
  child.on('close', () => {
    response.end()
    tell({
      isPush: pathname.endsWith('/git-receive-pack') || search.includes('service=git-receive-pack'),
      isPack: pathname.endsWith('/git-receive-pack'),
      milliseconds: performance.now() - begin,
      bytesIn,
    })
  })
}

function sendHead(response: ServerResponse, head: string): void {
  const headers = new Map(
    head.split('\r\n').map((line) => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
    }),
  )
  const status = Number.parseInt(headers.get('status') ?? '200', 10)
  headers.delete('status')
  response.writeHead(status, Object.fromEntries(headers))
}
