import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { open, request } from '../support/connection.ts'
import type { TestServer } from '../support/test-server.ts'
import { listenTestServer } from '../support/test-server.ts'

const train = '/api/environments/staging/releasetrain'

/** What a request gets on a connection of its own, and whether it made a commit. */
async function exchange(server: TestServer & { readonly port: number }, text: string) {
  const before = await server.head()
  const connection = await open(server)
  connection.socket.write(text)
  const answer = await connection.read()
  return { ...answer, hasCommitted: before !== (await server.head()) }
}

function aRawProblem(status: number, reason: string, code: string, detail: unknown) {
  return {
    status,
    reason,
    headers: {
      'content-type': expect.stringMatching(/^application\/problem\+json(;|$)/) as string,
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'x-request-id': expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
    },
    body: expect.toSatisfy((body: string) => {
      const problem = JSON.parse(body) as Record<string, unknown>
      expect(problem).toMatchObject({ status, code, detail, title: reason, requestId: expect.any(String) as string })
      return true
    }) as string,
    hasCommitted: false,
  }
}

const unreadable = 'this is no HTTP request that can be read'

describe('a request that cannot be read', () => {
  it.each([
    ['no HTTP at all', 'HELLO\r\n\r\n', 400, 'Bad Request', 'INVALID_REQUEST', unreadable],
    ['a method nobody knows', request('TRAIN /healthz'), 400, 'Bad Request', 'INVALID_REQUEST', unreadable],
    ['TLS', '\u0016\u0003\u0001\u0002\0\u0001\0', 400, 'Bad Request', 'INVALID_REQUEST', unreadable],
    ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400, 'Bad Request', 'INVALID_REQUEST', unreadable],
    ['a blank in the URL', request(`PUT ${train} x`), 400, 'Bad Request', 'INVALID_REQUEST', unreadable],
    ['a header that is none', request(`PUT ${train}`, ['Accept']), 400, 'Bad Request', 'INVALID_REQUEST', unreadable],
    [
      'two lengths, as a smuggler sends them',
      request(`PUT ${train}`, ['Content-Length: 2', 'Transfer-Encoding: chunked'], '0\r\n\r\n'),
      400,
      'Bad Request',
      'INVALID_REQUEST',
      unreadable,
    ],
    [
      'a chunk that is none',
      request(`PUT ${train}`, ['Transfer-Encoding: chunked'], 'x\r\n'),
      400,
      'Bad Request',
      'INVALID_REQUEST',
      unreadable,
    ],
    [
      'a header of 20 KB',
      request(`PUT ${train}`, [`Accept: ${'text/plain,'.repeat(2000)}`]),
      431,
      'Request Header Fields Too Large',
      'HEADERS_TOO_LARGE',
      'the URL and the headers together are larger than 16 KB',
    ],
    [
      'a URL of 20 KB',
      request(`PUT ${train}?${'x'.repeat(20_000)}`),
      431,
      'Request Header Fields Too Large',
      'HEADERS_TOO_LARGE',
      'the URL and the headers together are larger than 16 KB',
    ],
    [
      'a URL of 5 KB',
      request(`PUT ${train}?${'x'.repeat(5000)}`),
      414,
      'URI Too Long',
      'URL_TOO_LONG',
      'the URL is longer than 4096 characters',
    ],
    [
      'a body of 70 KB',
      request(`PUT ${train}`, ['Content-Length: 70000'], 'x'.repeat(70_000)),
      413,
      'Payload Too Large',
      'BODY_TOO_LARGE',
      'the body is larger than 64 KB',
    ],
    [
      'a body of 70 KB in chunks',
      request(
        `PUT ${train}`,
        ['Transfer-Encoding: chunked'],
        `${`2000\r\n${'x'.repeat(0x2000)}\r\n`.repeat(9)}0\r\n\r\n`,
      ),
      413,
      'Payload Too Large',
      'BODY_TOO_LARGE',
      'the body is larger than 64 KB',
    ],
    [
      'a body of 70 KB that is announced and never sent',
      request(`PUT ${train}`, ['Content-Length: 70000']),
      413,
      'Payload Too Large',
      'BODY_TOO_LARGE',
      'the body is larger than 64 KB',
    ],
  ] as const)('is answered with a problem: %s', async (_what, text, status, reason, code, detail) => {
    const server = await listenTestServer()
    expect(await exchange(server, text)).toMatchObject(aRawProblem(status, reason, code, detail))
  })

  it.each([
    ['its body', request(`PUT ${train}`, ['Content-Length: 100'], '{"ciLink":')],
    [
      'its form',
      request('POST /api/release', ['Content-Type: multipart/form-data; boundary=b', 'Content-Length: 9'], '--b'),
    ],
    ['its headers', `PUT ${train} HTTP/1.1\r\nHost`],
  ])('because its sender ends it in %s is told so', async (_where, text) => {
    const server = await listenTestServer()
    const { socket, read } = await open(server)
    socket.end(text)
    const answer = { ...(await read()), hasCommitted: false }
    const detail = 'the connection closed before the whole request had arrived'
    expect(answer).toMatchObject(aRawProblem(408, 'Request Timeout', 'REQUEST_TIMEOUT', detail))
  })

  it('is logged under the id that the answer names', async () => {
    const server = await listenTestServer()
    const { headers } = await exchange(server, 'HELLO\r\n\r\n')
    expect(server.log).toContainEqual(expect.objectContaining({ reqId: headers['x-request-id'], status: 400 }))
  })
})

describe('a request as it stands on the wire', () => {
  it.each([
    [`PUT ${train.replace('staging', '..')}`, 400],
    [`PUT ${train.replace('staging', '.')}`, 400],
    [`PUT ${train.replace('staging', '%2e%2e')}`, 400],
    [`PUT ${train.replace('staging', '..%2f..')}`, 400],
    ['PUT /api/../api/environments/staging/releasetrain', 404],
    ['PUT /api/environments//releasetrain', 400],
    ['PUT /api//environments/staging/releasetrain', 404],
    ['PUT /api/environments/stäging/releasetrain', 400],
    ['GET /api/environments/..', 404],
    ['GET /api/applications/%2e%2e', 404],
    ['GET /docs/static/../../../package.json', 404],
    ['GET /docs/static/%2e%2e/%2e%2e/package.json', 404],
  ])('is not taken for another one: %s', async (line, status) => {
    const server = await listenTestServer()
    expect(await exchange(server, request(line))).toMatchObject({
      status,
      hasCommitted: false,
      body: expect.stringContaining(`"status":${status}`),
    })
  })

  it('may name the host in its URL, as a request through a proxy does', async () => {
    const server = await listenTestServer()
    expect(await exchange(server, request(`PUT http://signalbox${train}`))).toMatchObject({
      status: 200,
      hasCommitted: true,
    })
  })

  it.each([
    ['nothing', [], ''],
    ['a length of 0', ['Content-Length: 0'], ''],
    ['no chunk', ['Transfer-Encoding: chunked'], '0\r\n\r\n'],
    ['chunks', ['Transfer-Encoding: chunked'], '1\r\n{\r\n1\r\n}\r\n0\r\n\r\n'],
  ])('may have as its body %s', async (_what, headers, body) => {
    const server = await listenTestServer()
    expect(await exchange(server, request(`PUT ${train}`, headers, body))).toMatchObject({
      status: 200,
      hasCommitted: true,
    })
  })

  it('may have several If-Match headers, which count as one list', async () => {
    const server = await listenTestServer()
    const { headers } = await exchange(server, request(`GET ${train}/prognosis`))
    const ifMatch = ['If-Match: "0123.4567"', `If-Match: ${headers['etag'] ?? ''}`]
    expect(await exchange(server, request(`PUT ${train}`, ifMatch))).toMatchObject({ status: 200, hasCommitted: true })
  })
})

describe('the connection', () => {
  it.each([
    ['a read', request('GET /healthz'), 200],
    ['a body that is not JSON', request(`PUT ${train}`, ['Content-Length: 1'], '{'), 400],
    ['an unknown parameter', request(`PUT ${train}?x=1`, ['Content-Length: 2'], '{}'), 400],
    ['nothing that is acceptable', request(`PUT ${train}`, ['Accept: image/png', 'Content-Length: 1'], '{'), 406],
    ['a wrong method', request(`POST ${train}`, ['Content-Length: 2'], '{}'), 405],
    ['an unknown endpoint', request('PUT /nowhere', ['Content-Length: 2'], '{}'), 404],
    ['a long URL', request(`PUT ${train}?${'x'.repeat(5000)}`, ['Content-Length: 2'], '{}'), 414],
    ['a stale prognosis', request(`PUT ${train}`, ['If-Match: "0123.4567"', 'Content-Length: 2'], '{}'), 412],
  ])('stays open for the next try after %s', async (_what, text, status) => {
    const server = await listenTestServer()
    const { socket, read } = await open(server)
    socket.write(text)
    expect(await read()).toMatchObject({ status, headers: { connection: 'keep-alive' } })
    socket.write(request('GET /healthz'))
    expect(await read()).toMatchObject({ status: 200 })
  })

  it("is kept for longer than the pauses between the tries of Kuberpult's client", async () => {
    const server = await listenTestServer()
    const { headers } = await exchange(server, request('GET /healthz'))
    expect(Number(/timeout=(\d+)/.exec(headers['keep-alive'] ?? '')?.[1])).toBeGreaterThan(70)
    expect(server.app.server.keepAliveTimeout).toBeGreaterThan(70_000)
  })

  it('closes after what cannot be read', async () => {
    const server = await listenTestServer()
    const { socket, read, closed } = await open(server)
    socket.write('HELLO\r\n\r\n')
    expect(await read()).toMatchObject({ status: 400, headers: { connection: 'close' } })
    await closed
  })
})

describe('a train', () => {
  it('that arrived whole is answered, whatever follows it on the connection', async () => {
    const server = await listenTestServer()
    const { socket, read, closed } = await open(server)
    socket.write(request(`PUT ${train}`, ['Content-Length: 2'], '{}GARBAGE\r\n\r\n'))
    const answer = await read()
    expect(answer).toMatchObject({ status: 200, headers: { connection: 'close' } })
    expect(JSON.parse(answer.body)).toMatchObject({ commit: await server.head() })
    await closed
  })

  it('whose caller leaves before its turn is dropped', async () => {
    const server = await listenTestServer()
    const before = await server.head()
    const { writing, finishWriting } = holdWrites(server)
    // The first train holds the queue.
    const first = await open(server)
    first.socket.write(request('PUT /api/environments/development/releasetrain'))
    await writing
    const second = await open(server)
    const arrived = once(server.app.server, 'request')
    second.socket.write(request(`PUT ${train}`))
    await arrived
    await sleep(20)
    second.socket.destroy()
    await sleep(50)
    finishWriting()
    const { body } = await first.read()
    const { commit } = JSON.parse(body) as { readonly commit: string }
    await waitFor(() => expect(server.log).toContainEqual(expect.objectContaining({ code: 'ABANDONED' })))
    expect(commit).not.toBe(before)
    expect(await server.head()).toBe(commit)
  })

  it('whose caller leaves while it still sends is none, and no fault of the server', async () => {
    const server = await listenTestServer()
    const before = await server.head()
    const { socket } = await open(server)
    const arrived = once(server.app.server, 'request')
    socket.write(request(`PUT ${train}`, ['Content-Length: 100'], '{"ciLink":'))
    await arrived
    socket.destroy()
    await waitFor(() => expect(server.log).toContainEqual(expect.objectContaining({ code: 'REQUEST_TIMEOUT' })))
    expect(server.log.filter(({ level }) => Number(level) >= 40)).toEqual([])
    expect(await server.head()).toBe(before)
  })

  it('is finished and answered when the server closes meanwhile', async () => {
    const server = await listenTestServer()
    const { writing, finishWriting } = holdWrites(server)
    const idle = await open(server)
    idle.socket.write(request('GET /healthz'))
    await idle.read()
    const { socket, read, closed } = await open(server)
    socket.write(request(`PUT ${train}`))
    await writing
    const closing = server.app.close()
    await idle.closed
    // A request that was on its way already.
    socket.write(request('GET /healthz'))
    await sleep(20)
    finishWriting()
    const answer = await read()
    expect(answer).toMatchObject({ status: 200 })
    expect(JSON.parse(answer.body)).toMatchObject({ commit: await server.head() })
    expect(await read()).toMatchObject({ status: 200, headers: { connection: 'close' }, body: '{"status":"ok"}' })
    await closed
    await closing
    await expect(open(server)).rejects.toThrow('ECONNREFUSED')
  })
})

describe('a release', () => {
  it('whose caller leaves while its manifests are looked into is dropped', async () => {
    const server = await listenTestServer()
    const before = await server.head()
    const field = (disposition: string, content: string) =>
      `--b\r\nContent-Disposition: form-data; ${disposition}\r\n\r\n${content}\r\n`
    const manifest = field('name="manifests[dev]"; filename="m"', '---\na: 1\n'.repeat(500_000))
    const form = `${field('name="application"', 'cart')}${manifest}--b--\r\n`
    const headers = ['Content-Type: multipart/form-data; boundary=b', `Content-Length: ${form.length}`]
    const { socket } = await open(server)
    socket.write(request('POST /api/release', headers, form))
    await once(socket, 'drain')
    await sleep(200)
    socket.destroy()
    await waitFor(() => expect(server.log).toContainEqual(expect.objectContaining({ code: 'ABANDONED' })))
    expect(await server.head()).toBe(before)
  })
})

/** From the first commit on that is to be written, nothing is, until it is told to finish. */
function holdWrites({ repository }: TestServer): {
  readonly writing: Promise<void>
  readonly finishWriting: () => void
} {
  let finishWriting = () => {}
  const mayFinish = new Promise<void>((resolve) => (finishWriting = resolve))
  const writing = new Promise<void>((resolve) => {
    repository.beforePublish = () => {
      resolve()
      return mayFinish
    }
  })
  return { writing, finishWriting }
}

/** Until it no longer throws. */
async function waitFor(check: () => void): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      check()
      return
    } catch (error) {
      if (attempt === 100) throw error
      await sleep(20)
    }
  }
}
