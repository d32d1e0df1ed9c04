import { request as requestHttp } from 'node:http'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import type { ClientOptions } from '../../src/cli/request.ts'
import { AnswerTooLargeError } from '../../src/network/exchange.ts'
import { describeFailure } from '../../src/cli/describe-failure.ts'
import { createClient, RequestFailure } from '../../src/cli/request.ts'
import { messages } from '../../src/cli/messages.ts'
import { createTestServer } from '../support/test-server.ts'
import { runCli } from './run-cli.ts'
import type { CannedAnswer, Reaction } from './recording-server.ts'
import { aMessage, aProblem, startRecordingServer } from './recording-server.ts'

const train = ['release-train', '--target-environment', 'staging']
const busy: CannedAnswer = { status: 503, body: 'busy' }
const ran: CannedAnswer = { body: '{"target":"staging"}' }
const hangUp: Reaction = (_, response) => response.destroy()

describe('a change that fails', () => {
  it('is tried again, with the same request and longer pauses', async () => {
    const server = await startRecordingServer(busy, hangUp, { status: 302 }, ran)
    const result = await runCli(['--url', server.url, ...train, '--ci_link', 'https://ci.example.com'])
    expect(result).toMatchObject({ code: 0, stdout: '{"target":"staging"}\n', pauses: [1, 2, 3] })
    const [first, ...others] = server.requests
    expect(others).toHaveLength(3)
    for (const other of others) expect(other).toEqual(first)
    const request = `PUT ${server.url}/api/environments/staging/releasetrain`
    expect(result.stderr.split('\n')).toEqual([
      `${request} failed: 503 Service Unavailable; trying again in 1 s (1 of 3)`,
      `${request} failed: socket hang up; trying again in 2 s (2 of 3)`,
      `${request} failed: 302 Found; trying again in 3 s (3 of 3)`,
      `${request} succeeded, but an earlier try that got no answer may have done it already`,
      '',
    ])
  })

  it('is given up after as many tries more as were asked for', async () => {
    const server = await startRecordingServer(busy)
    const result = await runCli(['--url', server.url, '--retries=1', ...train])
    expect(result).toMatchObject({ code: 1, stdout: '', pauses: [1] })
    expect(server.requests).toHaveLength(2)
    expect(result.stderr).toContain(`failed: 503 Service Unavailable\n  busy\n  Try: again in a while.\n`)
  })

  it.each<[why: string, answer: CannedAnswer, tries: number]>([
    ['a refusal of another server', { status: 400, body: 'no' }, 4],
    ['a conflict of another server', { status: 409, body: '{"AlreadyExistsDifferent":{}}' }, 4],
    ['JSON that only looks like a refusal', { ...aProblem(400, 'X', 'x'), headers: {} }, 4],
    ['a success that Kuberpult does not have', { status: 204 }, 4],
    ['an internal error of Signalbox', aProblem(500, 'INTERNAL_ERROR', 'x'), 4],
    ['a branch that moved too often', aProblem(409, 'BRANCH_KEEPS_MOVING', 'x'), 4],
    ['a request that timed out there', aProblem(408, 'ABANDONED', 'x'), 4],
    ['an invalid request', aProblem(400, 'INVALID_REQUEST', 'x'), 1],
    ['a missing permission', aProblem(403, 'PERMISSION_DENIED', 'x'), 1],
    ['a changed prognosis', aProblem(412, 'PROGNOSIS_CHANGED', 'x'), 1],
    ['a body too large', aProblem(413, 'BODY_TOO_LARGE', 'x'), 1],
    ['a release that exists', aMessage(messages.createdRelease, { deployments: [], removedVersions: [] }, 409), 1],
  ])('%s: is it worth asking again?', async (_why, answer, tries) => {
    const server = await startRecordingServer(answer)
    expect((await runCli(['--url', server.url, ...train])).code).toBe(1)
    expect(server.requests).toHaveLength(tries)
  })

  it.each<[retryAfter: string, pause: number]>([
    ['7', 7],
    ['0', 1],
    ['3600', 30],
    ['nonsense', 1],
    [new Date(Date.now() + 600_000).toUTCString(), 30],
    ['Thu, 01 Jan 1970 00:00:00 GMT', 1],
  ])('waits as long as the server asks for, within reason: %s', async (retryAfter, pause) => {
    const server = await startRecordingServer({ ...busy, headers: { 'Retry-After': retryAfter } }, ran)
    expect(await runCli(['--url', server.url, ...train])).toMatchObject({ code: 0, pauses: [pause] })
  })

  it('may have been done when an earlier try got no answer', async () => {
    const changed = aProblem(412, 'PROGNOSIS_CHANGED', 'the prognosis has changed')
    for (const lost of [hangUp, { status: 504 }]) {
      const server = await startRecordingServer(lost, changed)
      const result = await runCli(['--url', server.url, ...train, '--if-match', 'abc'])
      expect(result.code).toBe(1)
      expect(result.stderr).toContain('An earlier try got no answer: what it asked for may have been done.')
    }

    const atOnce = await runCli(['--url', (await startRecordingServer(changed)).url, ...train, '--if-match', 'abc'])
    expect(atOnce.stderr).not.toContain('An earlier try')
  })
})

describe('a change that may have been done', () => {
  const unknown = aProblem(504, 'OUTCOME_UNKNOWN', 'its answer was lost: it may have been done')
  const away = aProblem(503, 'STORE_UNAVAILABLE', 'the server does not answer')
  const keyOf = (server: Awaited<ReturnType<typeof startRecordingServer>>) =>
    String(server.requests[0]?.headers['idempotency-key']).slice(1, -1)

  it('and about which the server does not know is asked for again, and then the key is told', async () => {
    const server = await startRecordingServer(unknown)
    const result = await runCli(['--url', server.url, '--retries=1', ...train])
    expect(result).toMatchObject({ code: 1, stdout: '', pauses: [1] })
    expect(result.stderr.split('\n').slice(1)).toEqual([
      `PUT ${server.url}/api/environments/staging/releasetrain failed: 504 Gateway Timeout`,
      '  its answer was lost: it may have been done (OUTCOME_UNKNOWN)',
      '  request request-1',
      '  An earlier try got no answer: what it asked for may have been done.',
      "  Try: again in a while; the server's /readyz says whether it has found out.",
      `  Try: the same with --idempotency-key ${keyOf(server)}: Signalbox does not do again what it has done.`,
      '',
    ])
  })

  it.each<[why: string, reactions: Reaction[]]>([
    ['the connection broke', [hangUp]],
    ['there was no answer in time', [() => undefined]],
    ['a proxy got no answer', [{ status: 502 }]],
    ['it was not known, and then nobody could be asked', [unknown, away]],
  ])('because %s, comes with its key', async (_why, reactions) => {
    const server = await startRecordingServer(...reactions)
    const options = ['--retries=1', '--timeout=1']
    const result = await runCli(['--url', server.url, ...options, ...train])
    expect(result).toMatchObject({ code: 1 })
    expect(result.stderr).toContain(`\n  Try: the same with --idempotency-key ${keyOf(server)}: Signalbox does not`)
    const again = await startRecordingServer(...reactions)
    const chosen = await runCli(['--url', again.url, ...options, '--idempotency-key', "it's 7", ...train])
    expect(chosen.stderr).toContain(String.raw`Try: the same with --idempotency-key 'it'\''s 7': `)
  })

  it('exactly as it was previewed, is asked for with what was previewed', async () => {
    const preview = aMessage(messages.prognosis, {
      target: 'staging',
      fingerprint: 'abc',
      envsPrognoses: {},
      warnings: [],
    })
    const server = await startRecordingServer(preview, unknown)
    const result = await runCli(['--url', server.url, '--retries=1', ...train, '--if-prognosed'])
    const key = String(server.requests[1]?.headers['idempotency-key']).slice(1, -1)
    expect(result.stderr).toContain(
      `Try: the same with --idempotency-key ${key} --if-match abc in the place of --if-prognosed: `,
    )
  })

  it.each<[why: string, args: readonly string[], reactions: Reaction[]]>([
    ['it was refused', train, [aProblem(403, 'PERMISSION_DENIED', 'no')]],
    ['it is known that it was not done', train, [away]],
    ['it was not known, and then refused', train, [unknown, aProblem(412, 'PROGNOSIS_CHANGED', 'changed')]],
    ['it only was to be read', ['locks'], [hangUp]],
  ])('tells no key where %s', async (_why, args, reactions) => {
    const server = await startRecordingServer(...reactions)
    const result = await runCli(['--url', server.url, ...args])
    expect(result).toMatchObject({ code: 1 })
    expect(result.stderr).not.toContain('--idempotency-key')
  })
})

describe('a release that may have been created', () => {
  const release = ['release', '--application', 'cart', '--environment', 'dev', '--manifest', 'package.json']
  const created: CannedAnswer = { status: 201, body: '{"Success":{}}' }
  const cutOff: Reaction = (_, response) => {
    response.writeHead(201, { 'Content-Length': '100' }).write('half')
    setTimeout(() => response.destroy(), 20)
  }

  it.each<[lost: string, reaction: Reaction, more: string]>([
    ['a connection that is closed', hangUp, ''],
    ['an answer that is cut off', cutOff, ''],
    ['no answer in time', () => undefined, '--timeout=1'],
    ['a proxy that got no answer', { status: 502 }, '--retries=9'],
    ['a proxy that did not wait', { status: 504 }, ''],
  ])(
    'is asked for again with the same key after %s, so that it has no second number',
    async (_lost, reaction, more) => {
      const server = await startRecordingServer(reaction, created)
      const result = await runCli(['--url', server.url, ...release, ...more.split(' ').filter(Boolean)])
      expect(result).toMatchObject({ code: 0, pauses: [1] })
      expect(result.stderr).toContain('may have done it already')
      const [first, second] = server.requests
      expect(second).toEqual(first)
      expect(first?.headers['idempotency-key']).toMatch(/^"[0-9a-f-]{36}"$/)
    },
  )

  it('says that it was not done again when the server knows', async () => {
    const replayed = { ...created, headers: { 'Idempotency-Replayed': 'true' } }
    const server = await startRecordingServer(hangUp, replayed)
    const result = await runCli(['--url', server.url, ...release])
    expect(result).toMatchObject({ code: 0, pauses: [1] })
    expect(result.stderr).toContain('an earlier try that got no answer had done it, and it was not done again')
  })

  it('has another key each time, or the one that is given', async () => {
    const server = await startRecordingServer(created)
    for (const more of [[], [], ['--idempotency-key', 'build 7 "a\\b"']]) {
      await runCli(['--url', server.url, ...release, ...more])
    }
    const [one, two, three] = server.requests.map(({ headers }) => headers['idempotency-key'])
    expect(one).not.toBe(two)
    expect(three).toBe('"build 7 \\"a\\\\b\\""')
    const bad = await runCli(['--url', server.url, '--idempotency-key', 'ü', ...release])
    expect(bad).toMatchObject({ code: 2 })
    expect(server.requests).toHaveLength(3)
  })

  it('is created once by a Signalbox whose answer got lost', async () => {
    const { app, head, repository } = await createTestServer()
    await app.listen({ host: '127.0.0.1', port: 0 })
    const { port } = app.server.address() as AddressInfo
    let tries = 0
    const proxy = await startRecordingServer(({ method, url, headers, body }, response) => {
      tries += 1
      const isLost = tries === 1
      const forwarded = requestHttp({ host: '127.0.0.1', port, method, path: url, headers }, (answer) => {
        if (isLost) return void answer.resume().on('end', () => response.destroy())
        response.writeHead(answer.statusCode ?? 0, answer.headers)
        return void answer.pipe(response)
      })
      forwarded.end(body)
    })
    const development = [
      'release',
      '--application',
      'cart',
      '--environment',
      'development',
      '--manifest',
      'package.json',
    ]
    const result = await runCli(['--url', proxy.url, ...development])
    expect(result).toMatchObject({ code: 0, pauses: [1] })
    expect(result.stdout).toContain(`created cart version 6, commit ${await head()}`)
    expect(result.stderr).toContain('it was not done again')
    expect(repository.updates).toHaveLength(1)
    expect(tries).toBe(2)
  })

  it('is tried again when nothing was sent', async () => {
    const url = `http://127.0.0.1:${await unusedPort()}`
    const result = await runCli(['--url', url, ...release])
    expect(result).toMatchObject({ code: 1, pauses: [1, 2, 3] })
    expect(result.stderr).not.toContain('may have been done')
  })

  it('says that there may have been two tries that did it when the server does not know', async () => {
    const server = await startRecordingServer(hangUp, created)
    const result = await runCli(['--url', server.url, ...release, '--version', '7'])
    expect(result).toMatchObject({ code: 0, pauses: [1] })
    expect(result.stderr).toContain(
      `\nPOST ${server.url}/api/release succeeded, but an earlier try that got no answer may have done it already\n`,
    )
  })
})

describe('a failure in JSON', () => {
  const json = ['--output', 'json', '--retries', '1']

  async function failed(url: string, ...args: string[]) {
    const { code, stdout, stderr } = await runCli(['--url', url, ...json, ...args])
    expect(code).toBe(1)
    expect(stderr).not.toBe('')
    return JSON.parse(stdout) as object
  }

  it("is the server's problem document", async () => {
    const prognosis = { target: 'staging' }
    const { url } = await startRecordingServer(aProblem(412, 'PROGNOSIS_CHANGED', 'changed', { prognosis, more: 1 }))
    expect(await failed(url, ...train, '--if-match', 'x')).toMatchObject({ code: 'PROGNOSIS_CHANGED', more: 1 })
    expect(await failed(url, 'locks')).toMatchObject({ code: 'PROGNOSIS_CHANGED', prognosis })
  })

  it.each<[what: string, reaction: Reaction, document: object]>([
    ['a lost answer', hangUp, { code: 'ANSWER_LOST', detail: 'socket hang up' }],
    ['no answer in time', () => undefined, { code: 'TIMEOUT', detail: 'no answer within 1 s' }],
    ['another status', busy, { code: 'UNEXPECTED_STATUS', detail: '503 Service Unavailable', status: 503 }],
    [
      'an answer of another kind',
      { body: 'hello' },
      {
        code: 'UNEXPECTED_ANSWER',
        detail: 'the server answered 200, but not with what was asked for (signalbox.v1.ListLocksResponse)',
      },
    ],
  ])('is a document of ours for %s', async (_what, reaction, document) => {
    const { url } = await startRecordingServer(reaction)
    expect(await failed(url, 'locks', '--timeout', '1')).toEqual(document)
  })

  it('is a document of ours for a server that is down', async () => {
    const document = await failed(`http://127.0.0.1:${await unusedPort()}`, ...train)
    expect(document).toMatchObject({ code: 'UNREACHABLE', detail: expect.stringContaining('ECONNREFUSED') as unknown })
  })

  it('is nothing for bad usage', async () => {
    expect(await runCli(['--output', 'json', 'locks'])).toMatchObject({ code: 2, stdout: '' })
  })
})

describe('a read that fails', () => {
  it.each<[args: string]>([
    ['locks'],
    ['status'],
    ['prognosis --target-environment staging'],
    [`get-commit-deployments --commit ${'a'.repeat(40)}`],
    ['get-deployment-commit --environment staging --application cart'],
  ])('%s is not tried again', async (args) => {
    const server = await startRecordingServer(busy)
    expect(await runCli(['--url', server.url, ...args.split(' ')])).toMatchObject({ code: 1, stdout: '', pauses: [] })
    expect(server.requests).toHaveLength(1)
  })

  it.each<[answer: CannedAnswer, lines: string[]]>([
    [
      aProblem(400, 'INVALID_REQUEST', 'two parts are wrong', {
        errors: [
          { path: 'query.kind', message: 'must be one of a, b' },
          { path: 'query.team', message: 'is\u001b[31m red' },
        ],
      }),
      [
        '400 Bad Request',
        'two parts are wrong (INVALID_REQUEST)',
        'query.kind must be one of a, b',
        'query.team is[31m red',
        'request request-1',
      ],
    ],
    [
      aProblem(400, 'INVALID_REQUEST', 'query.kind is wrong', {
        errors: [{ path: 'query.kind', message: 'is wrong' }],
      }),
      ['400 Bad Request', 'INVALID_REQUEST', 'query.kind is wrong', 'request request-1'],
    ],
    [
      { status: 400, body: "Invalid manifest form file: 'signatures[dev]'. Must match 'x'" },
      ['400 Bad Request', "Invalid manifest form file: 'signatures[dev]'. Must match 'x'", 'Try: --skip_signatures.'],
    ],
    [
      aProblem(404, 'UNKNOWN_ENVIRONMENT', 'no environment x'),
      [
        '404 Not Found',
        'no environment x (UNKNOWN_ENVIRONMENT)',
        'request request-1',
        'Try: `signalbox status` shows what there is.',
      ],
    ],
    [aProblem(409, 'constructor', 'x'), ['409 Conflict', 'x (constructor)', 'request request-1']],
    [{ status: 404 }, ['404 Not Found', 'Try: whether --url is that of the server, with its path prefix.']],
    [
      { status: 401, body: 'who are you?\n' },
      [
        '401 Unauthorized',
        'who are you?',
        'Try: `signalbox login`, or a token in SIGNALBOX_TOKEN, KUBERPULT_DEX_ACCESS_TOKEN or KUBERPULT_IAP_TOKEN.',
      ],
    ],
    [
      {
        status: 502,
        headers: { 'Content-Type': 'text/html; charset=utf-8' },
        body: '<html><head><title>x</title><style>b{}</style></head><body><h1>502</h1>\n<p>Bad gateway</p></body></html>',
      },
      ['502 Bad Gateway', '502 Bad gateway', 'Try: again in a while: a proxy before the server could not reach it.'],
    ],
    [
      { status: 307, headers: { Location: 'https://elsewhere.example.com/\u009b' } },
      [
        '307 Temporary Redirect',
        'Try: another --url: this one leads elsewhere, and is not followed: https://elsewhere.example.com/.',
      ],
    ],
    [{ ...aProblem(400, 'X', 'x'), body: 'cut off {' }, ['400 Bad Request', 'cut off {']],
    [{ ...aProblem(400, 'X', 'x'), body: '{"detail":[]}' }, ['400 Bad Request', '{"detail":[]}']],
    [
      { status: 599, body: `${'x'.repeat(501)}\n`.repeat(21) },
      expect.arrayContaining(['... and 1 more lines']) as never,
    ],
  ])('says which request, the reason and what to try: %j', async (answer, lines) => {
    const server = await startRecordingServer(answer)
    const { code, stderr } = await runCli(['--url', server.url, 'locks'])
    expect(code).toBe(1)
    const shown = stderr
      .trimEnd()
      .split('\n')
      .map((line) => line.trim())
    const [first = '', ...others] = shown
    expect(first.startsWith(`GET ${server.url}/api/locks failed: `)).toBe(true)
    expect([first.replace(/^.* failed: /u, ''), ...others]).toEqual(lines)
  })

  it.each<[cause: unknown, told: string[]]>([
    [
      new AggregateError([anError('ECONNREFUSED', 'refused ::1'), anError('ECONNREFUSED', 'refused 127.0.0.1')]),
      ['refused ::1; refused 127.0.0.1', 'Try: whether the server runs, and whether --url names its host and port.'],
    ],
    [
      anError('DEPTH_ZERO_SELF_SIGNED_CERT', 'self-signed certificate'),
      ['self-signed certificate', "Try: the certificate of the server's authority in NODE_EXTRA_CA_CERTS."],
    ],
    [
      anError('ERR_TLS_CERT_ALTNAME_INVALID', 'wrong name'),
      ['wrong name', "Try: whether the host in --url is one that the server's certificate names."],
    ],
    [anError('ENOSUCHCODE', ''), ['ENOSUCHCODE']],
    ['no error at all', ['no error at all']],
  ])('because of %o', (cause, told) => {
    const lines = describeFailure(new RequestFailure('GET x', { cause })).map((line) => line.trim())
    expect(lines).toEqual([`GET x failed: ${told[0]}`, ...told.slice(1)])
  })

  it('because nobody listens', async () => {
    const { code, stderr } = await runCli(['--url', `http://127.0.0.1:${await unusedPort()}`, 'locks'])
    expect(code).toBe(1)
    expect(stderr).toMatch(
      / failed: connect ECONNREFUSED .*\n {2}Try: whether the server runs, and whether --url names/u,
    )
  })

  it('because it is no HTTP that answers', async () => {
    const server = createServer((socket) => void socket.end('SSH-2.0-nothing\r\n')).listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const { code, stderr } = await runCli(['--url', url, 'locks'])
    server.close()
    expect(code).toBe(1)
    expect(stderr).toContain('Try: whether --url should begin with https:// instead of http://')
  })

  it('because the connection breaks within the answer', async () => {
    const server = await startRecordingServer((_, response) => {
      response.writeHead(200, { 'Content-Length': '100' }).write('half')
      setTimeout(() => response.destroy(), 20)
    })
    const { code, stdout, stderr } = await runCli(['--url', server.url, 'locks'])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain('failed: aborted\n  Try: again: the connection was closed')
  })

  it.each<[what: string, reaction: Reaction]>([
    ['before the answer', () => undefined],
    ['within the answer', (_, response) => void response.writeHead(200).write('half')],
  ])('because it takes longer than the timeout, %s', async (_what, reaction) => {
    const server = await startRecordingServer(reaction)
    const { code, stderr } = await runCli(['--url', server.url, '--timeout', '1', 'locks'])
    expect(code).toBe(1)
    expect(stderr).toContain(`GET ${server.url}/api/locks failed: no answer within 1 s\n  Try: a higher --timeout.`)
  })

  it('because the answer does not end', async () => {
    const server = await startRecordingServer((_, response) => {
      const timer = setInterval(() => response.write('x'.repeat(1000)), 1)
      response.on('close', () => clearInterval(timer))
    })
    const client = createClient({ ...clientOptions, url: new URL(server.url), maximumAnswerBytes: 5000 })
    await expect(client.read({ method: 'GET', path: ['x'] })).rejects.toMatchObject({
      cause: new AnswerTooLargeError('the answer is larger than 5000 bytes'),
    })
  })
})

describe('what is waited for', () => {
  const slowly: Reaction = (_, response) => void setTimeout(() => response.end('{}'), 1300)
  const args = ['get-deployment-commit', '--environment', 'staging', '--application', 'cart']

  it('is said once it takes longer than a second', async () => {
    const server = await startRecordingServer(slowly)
    const result = await runCli(['--url', server.url, ...args])
    const url = `${server.url}/api/environments/staging/applications/cart/commit`
    expect(result).toMatchObject({ code: 0, stdout: '{}\n', stderr: `waiting for GET ${url} (1 s)\n` })
  })

  it('is counted in a terminal, and leaves nothing there', async () => {
    const server = await startRecordingServer(slowly)
    const { stderr } = await runCli(['--url', server.url, ...args], { isTerminal: true })
    const clear = '\r\u001B[K'
    const [before, line, after] = stderr.split(clear)
    expect({ before, after }).toEqual({ before: '', after: '' })
    expect(line).toMatch(/^GET .* \.\.\. 1 s$/u)

    const dumb = await runCli(['--url', server.url, ...args], { isTerminal: true, environment: { TERM: 'dumb' } })
    expect(dumb.stderr).toMatch(/^waiting for GET .* \(1 s\)\n$/u)
  })
})

const clientOptions: Omit<ClientOptions, 'url'> = {
  headers: {},
  authorHeaders: {},
  timeoutSeconds: 10,
  retries: 0,
  sleep: () => Promise.resolve(),
  proxy: undefined,
  onRetry: () => undefined,
  onLateSuccess: () => undefined,
  idempotencyKey: 'a',
  onWait: () => () => undefined,
}

function anError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code })
}

async function unusedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
