import type { AddressInfo, Socket } from 'node:net'
import { connect, createServer } from 'node:net'
import type { Random } from './random.ts'

/** What was done to connections. */
export interface FaultCounts {
  connections: number
  delayed: number
  cut: number
  /** Answers to pushes that the server had accepted, which nobody got. */
  answersDropped: number
}

export interface FaultyProxy {
  readonly url: string
  readonly counts: Readonly<FaultCounts>
  /** Nothing is done to what comes through before. */
  begin(): void
  /**
   * The next push that has come this far has no answer: the server accepts it, or it never gets there. From then on, which is when
   * this resolves, nothing comes through.
   */
  loseServer(push: 'accepted' | 'swallowed'): Promise<void>
  /** The server can be reached again. */
  findServer(): void
  /** From now on nothing is done to what comes through. */
  heal(): void
  close(): Promise<void>
}

/** What an accepted push has in its answer. */
const accepted = 'ok refs/heads/main'

/** How the request of a push begins. */
const pushBegins = 'POST /manifests.git/git-receive-pack '

/** Whether the last byte of a request has come. */
function isWhole(request: string): boolean {
  const end = request.indexOf('\r\n\r\n')
  const length = Number(/\r\ncontent-length: *(\d+)/iu.exec(request)?.[1])
  return end !== -1 && request.length >= end + 4 + length
}

/**
 * Stands before a server on loopback and, at random, delays what is sent in either direction, cuts a connection after any number of
 * bytes, or lets a push be accepted and drops the answer.
 */
export async function startFaultyProxy(port: number, random: Random): Promise<FaultyProxy> {
  const counts: FaultCounts = { connections: 0, delayed: 0, cut: 0, answersDropped: 0 }
  const sockets = new Set<Socket>()
  let isFaulty = false
  let isAway = false
  let losing: { readonly push: 'accepted' | 'swallowed'; readonly done: () => void } | undefined
  const goAway = () => {
    losing?.done()
    losing = undefined
    isAway = true
    for (const socket of sockets) socket.destroy()
  }
  const server = createServer((client) => {
    if (isAway) {
      client.destroy()
      return
    }
    const upstream = connect(port, '127.0.0.1')
    counts.connections += 1
    const destroy = () => {
      client.destroy()
      upstream.destroy()
    }
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', destroy)
      socket.on('close', () => {
        sockets.delete(socket)
        destroy()
      })
    }
    const fault = isFaulty ? random.below(100) : 100
    if (fault < 12) {
      counts.cut += 1
      // Requests are small, answers may be larger: both are hit at their beginning, in their middle, and between them.
      const [from, to] = random.below(2) === 0 ? [client, upstream] : [upstream, client]
      const other = from === client ? upstream : client
      other.pipe(from)
      let left = random.below(1200)
      from.on('data', (chunk: Buffer) => {
        if (chunk.length > left) {
          to.write(chunk.subarray(0, left))
          destroy()
        } else {
          left -= chunk.length
          to.write(chunk)
        }
      })
    } else if (fault < 32) {
      client.pipe(upstream)
      let answer = ''
      upstream.on('data', (chunk: Buffer) => {
        answer = (answer + chunk.toString('latin1')).slice(-4096)
        if (answer.includes(accepted)) {
          counts.answersDropped += 1
          destroy()
        } else client.write(chunk)
      })
    } else if (fault < 52) {
      counts.delayed += 1
      const delay = 20 + random.below(400)
      const later = (to: Socket) => (chunk: Buffer) => void setTimeout(() => to.write(chunk), delay)
      client.on('data', later(upstream))
      upstream.on('data', later(client))
    } else {
      let request = ''
      let answer = ''
      client.on('data', (chunk: Buffer) => {
        request += chunk.toString('latin1')
        const at = request.indexOf(pushBegins)
        if (at === -1) request = request.slice(-pushBegins.length)
        if (at === -1 || losing?.push !== 'swallowed') upstream.write(chunk)
        else if (isWhole(request.slice(at))) goAway()
      })
      upstream.on('data', (chunk: Buffer) => {
        answer = (answer + chunk.toString('latin1')).slice(-4096)
        if (losing?.push !== 'accepted' || !answer.includes(accepted)) client.write(chunk)
        else goAway()
      })
      client.on('end', () => upstream.end())
      upstream.on('end', () => client.end())
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    counts,
    begin: () => {
      isFaulty = true
    },
    loseServer: (push) =>
      new Promise((done) => {
        losing = { push, done }
      }),
    findServer: () => {
      isAway = false
    },
    heal: () => {
      isFaulty = false
    },
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
