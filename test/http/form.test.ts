import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { readConfig } from '../../src/config.ts'
import type { FormLimits } from '../../src/http/form.ts'
import { registerForms, toFormLimits } from '../../src/http/form.ts'
import type { Connection } from '../support/connection.ts'
import { open, request } from '../support/connection.ts'
import { createTestServer } from '../support/test-server.ts'

const defaultFormLimits = toFormLimits(readConfig({}).releases)
const boundary = 'b0undary'
const multipart = `Content-Type: multipart/form-data; boundary=${boundary}`

/** A server with a route that answers what it read; `hold` keeps it from answering. */
async function listenForForms(
  limits: Partial<FormLimits> = {},
  hold: () => Promise<unknown> = async () => {},
): Promise<{ readonly port: number; readonly log: readonly Readonly<Record<string, unknown>>[] }> {
  const { app, log } = await createTestServer()
  await registerForms(app, { ...defaultFormLimits, ...limits }, (forms, readForm) => {
    forms.post('/form', { config: { access: 'public' } }, async (incoming, reply) => {
      const { values, files } = await readForm(incoming, reply)
      await hold()
      const texts = [...files].map(([name, all]) => [name, all.map((bytes) => Buffer.from(bytes).toString('latin1'))])
      const isLarge = [...files.values()].flat().some(({ length }) => length > 100_000)
      return { values: [...values], files: isLarge ? [...files.values()].flat().map(({ length }) => length) : texts }
    })
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const address = app.server.address()
  if (address === null || typeof address === 'string') throw new Error('it has no port')
  return { port: address.port, log }
}

function part(headers: string, content = ''): string {
  return `--${boundary}\r\n${headers}\r\n\r\n${content}\r\n`
}

function value(name: string, content: string): string {
  return part(`Content-Disposition: form-data; name="${name}"`, content)
}

function file(name: string, content: string): string {
  return part(
    `Content-Disposition: form-data; name="${name}"; filename="x"\r\nContent-Type: application/octet-stream`,
    content,
  )
}

const end = `--${boundary}--\r\n`

function post(body: string, headers: readonly string[] = [multipart]): string {
  return request('POST /form', [...headers, `Content-Length: ${Buffer.byteLength(body, 'latin1')}`], body)
}

/** What a body is answered, and whether the connection can be used for the next try. */
async function exchange(connection: Connection, text: string) {
  connection.socket.write(text, 'latin1')
  const answer = await connection.read()
  connection.socket.write(request('GET /healthz'))
  expect(await connection.read()).toMatchObject({ status: 200 })
  return {
    status: answer.status,
    json: JSON.parse(Buffer.from(answer.body, 'latin1').toString()) as Record<string, unknown>,
  }
}

describe('a form', () => {
  it.each([
    ['nothing', end, [], []],
    ['a value', value('application', 'cart') + end, [['application', ['cart']]], []],
    ['an empty value', value('team', '') + end, [['team', ['']]], []],
    ['a file', file('manifests[dev]', 'a: 1\r\n') + end, [], [['manifests[dev]', ['a: 1\r\n']]]],
    ['an empty file', file('manifests[dev]', '') + end, [], [['manifests[dev]', ['']]]],
    [
      'both under one name, several times, in order',
      value('a', '1') + file('a', '2') + value('a', '3') + file('a', '4') + end,
      [['a', ['1', '3']]],
      [['a', ['2', '4']]],
    ],
    [
      'a value that claims to be JSON, which stays as it is',
      part('Content-Disposition: form-data; name="config"\r\nContent-Type: application/json', '{"a": 1.0}') + end,
      [['config', ['{"a": 1.0}']]],
      [],
    ],
    [
      'a value that claims to be a file by its type only',
      part('Content-Disposition: form-data; name="a"\r\nContent-Type: application/octet-stream', '1') + end,
      [['a', ['1']]],
      [],
    ],
    [
      'bytes that are no text',
      file('a', '\u0000\u00ff\r\n--b0undar\r\n--\r') + end,
      [],
      [['a', ['\u0000\u00ff\r\n--b0undar\r\n--\r']]],
    ],
    ['text around it', `before\r\n${value('a', '1')}${end}after\r\n--b0undary\r\n`, [['a', ['1']]], []],
  ])('may hold %s', async (_what, body, values, files) => {
    const connection = await open(await listenForForms())
    expect(await exchange(connection, post(body))).toEqual({ status: 200, json: { values, files } })
  })

  it('is read whatever quotes its boundary has', async () => {
    const connection = await open(await listenForForms())
    const headers = ['Content-Type: Multipart/Form-Data; charset=utf-8; BOUNDARY="b0undary"']
    expect(await exchange(connection, post(value('a', '1') + end, headers))).toMatchObject({ status: 200 })
  })

  it('may come in chunks of any size', async () => {
    const connection = await open(await listenForForms())
    const body = value('a', '1') + file('b', 'x\r\n--b0undarx\r\n--') + end
    for (const size of [1, 7, 64]) {
      const chunks = body.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? []
      const text = `${chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('')}0\r\n\r\n`
      expect(
        await exchange(connection, request('POST /form', [multipart, 'Transfer-Encoding: chunked'], text)),
      ).toEqual({
        status: 200,
        json: { values: [['a', ['1']]], files: [['b', ['x\r\n--b0undarx\r\n--']]] },
      })
    }
  })

  it('is asked for when the client waits for that', async () => {
    const { socket, read } = await open(await listenForForms())
    const body = value('a', '1') + end
    socket.write(request('POST /form', [multipart, `Content-Length: ${body.length}`, 'Expect: 100-continue']))
    expect(await read()).toMatchObject({ status: 100 })
    socket.write(body)
    expect(await read()).toMatchObject({ status: 200 })
  })

  it('may hold a file of exactly the size that is allowed', async () => {
    const connection = await open(await listenForForms())
    const large = 'x'.repeat(defaultFormLimits.maximumFileBytes)
    expect(await exchange(connection, post(file('a', large) + file('b', large) + end))).toEqual({
      status: 200,
      json: { values: [], files: [large.length, large.length] },
    })
  })

  it('has its name and values, or is refused, whatever its bytes are', async () => {
    const connection = await open(await listenForForms())
    const piece = fc.constantFrom(
      `--${boundary}`,
      '\r\n',
      '\r\n\r\n',
      '--',
      'Content-Disposition: form-data; name="a"',
      '; filename="f"',
      'Content-Type: application/json',
      'x',
      '"',
      ' ',
      value('b', '1'),
      file('c', '2'),
      end,
    )
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 12 }), async (pieces) => {
        const { status } = await exchange(connection, post(pieces.join('')))
        expect([200, 400]).toContain(status)
      }),
      { numRuns: 300 },
    )
  })
})

describe('a body that is no form', () => {
  const eof = 'Invalid body: multipart: NextPart: EOF'
  const withoutName = 'Invalid body: a part has no Content-Disposition: form-data; name="..."'
  const otherType = "Invalid body: request Content-Type isn't multipart/form-data"
  const withoutBoundary = 'Invalid body: no multipart boundary param in Content-Type'

  it.each([
    ['is JSON', post('{}', ['Content-Type: application/json']), otherType],
    ['is large and JSON', post(`"${'x'.repeat(100_000)}"`, ['Content-Type: application/json']), otherType],
    ['has no type', post('x', []), otherType],
    ['is not there', post('', []), otherType],
    ['has a type that is none', post('x', ['Content-Type: form']), otherType],
    ['has no boundary', post(end, ['Content-Type: multipart/form-data']), withoutBoundary],
    ['has an empty boundary', post(end, ['Content-Type: multipart/form-data; boundary=""']), withoutBoundary],
    [
      'has a long boundary',
      post(end, [`Content-Type: multipart/form-data; boundary=${'b'.repeat(71)}`]),
      withoutBoundary,
    ],
    ['has another boundary', post(value('a', '1') + end, [`${multipart}x`]), eof],
    ['is empty', post(''), eof],
    ['ends in its first delimiter', post('--b0un'), eof],
    ['ends in the headers of a part', post(`${value('a', '1')}--${boundary}\r\nContent-Dispo`), eof],
    ['ends in a value', post(value('a', '1').slice(0, -2)), eof],
    ['ends in a file', post(file('a', 'x'.repeat(100_000))), eof],
    ['ends before its last dash', post(`${value('a', '1')}--${boundary}-`), eof],
    [
      'has a part without a name',
      post(value('a', '1') + part('Content-Disposition: form-data', '1') + end),
      withoutName,
    ],
    ['has a part with an empty name', post(value('', '1') + end), withoutName],
    ['has a file without a name', post(part('Content-Disposition: form-data; filename="x"', '1') + end), withoutName],
    [
      'has a part with other headers only',
      post(part('Content-Type: text/plain', '1') + value('a', '1') + end),
      withoutName,
    ],
    ['has a part without headers', post(`--${boundary}\r\n\r\n1\r\n${end}`), withoutName],
    ['has a part without an end of its headers', post(`--${boundary}\r\nfoo\r\n${value('a', '1')}${end}`), withoutName],
    [
      'has a part that is an attachment',
      post(part('Content-Disposition: attachment; name="a"', '1') + end),
      withoutName,
    ],
    [
      'has a part whose name stands behind 50 others',
      post(part(`${'X: y\r\n'.repeat(50)}Content-Disposition: form-data; name="a"`, '1') + end),
      withoutName,
    ],
    [
      'has a part called __proto__',
      post(value('__proto__', '1') + end),
      'Invalid body: a part has a name that no field has',
    ],
    [
      'has a value in another encoding',
      post(value('a', '\u00e9') + end),
      "Invalid body: the value of 'a' is not UTF-8",
    ],
  ])('because it %s, is refused, and the connection stays', async (_why, text, detail) => {
    const { port, log } = await listenForForms()
    const connection = await open({ port })
    expect(await exchange(connection, text)).toMatchObject({
      status: 400,
      json: { code: 'INVALID_REQUEST', detail },
    })
    expect(log.filter(({ level }) => Number(level) >= 40)).toEqual([])
  })
})

describe('a form that is too large', () => {
  const limits = { maximumBytes: 200_000, maximumFileBytes: 1000, maximumValueBytes: 100, maximumParts: 10 }
  const whole = 'the form is larger than the 200000 bytes that SIGNALBOX_MAXIMUM_RELEASE_BYTES allows in any form'
  const chunked = (body: string) =>
    request(
      'POST /form',
      [multipart, 'Transfer-Encoding: chunked'],
      `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
    )

  it.each([
    ['as a whole', post(file('a', 'x'.repeat(200_000)) + end), whole],
    ['as a whole, which only its end shows', chunked('x'.repeat(300_000)), whole],
    [
      'in a file',
      post(file('manifests[dev]', 'x'.repeat(1001)) + value('a', '1') + end),
      "the file 'manifests[dev]' is larger than the 1000 bytes that SIGNALBOX_MAXIMUM_MANIFEST_BYTES allows in any form",
    ],
    [
      'in a file that is much too large',
      post(file('a', 'x'.repeat(190_000)) + value('a', '1') + end),
      "the file 'a' is larger than the 1000 bytes that SIGNALBOX_MAXIMUM_MANIFEST_BYTES allows in any form",
    ],
    [
      'in a value',
      post(value('a', 'x'.repeat(101)) + end),
      "the value of 'a' is larger than the 100 bytes that SIGNALBOX_MAXIMUM_RELEASE_VALUE_BYTES allows in any form",
    ],
    [
      'in the number of its parts',
      post(value('a', '1').repeat(11) + end),
      'the form has more parts than the 10 that SIGNALBOX_MAXIMUM_RELEASE_PARTS allows in any form',
    ],
    [
      'in the number of parts that are none',
      post(`--${boundary}\r\n\r\n\r\n`.repeat(11) + end),
      'the form has more parts than the 10 that SIGNALBOX_MAXIMUM_RELEASE_PARTS allows in any form',
    ],
  ])('%s is refused by the name of the limit, and the connection stays', async (_how, text, detail) => {
    const connection = await open(await listenForForms(limits))
    expect(await exchange(connection, text)).toMatchObject({ status: 413, json: { code: 'BODY_TOO_LARGE', detail } })
  })

  it('is answered when there is no end to it', async () => {
    const { socket, read } = await open(await listenForForms(limits))
    socket.write(request('POST /form', [multipart, 'Content-Length: 1000000000']))
    socket.write('x'.repeat(1_000_000))
    expect(await read()).toMatchObject({ status: 413 })
  })
})

describe('a client that leaves in the middle of a form', () => {
  it('leaves nothing behind, and is no fault of the server', async () => {
    const { port, log } = await listenForForms({ maximumBytes: 1000, maximumBytesTogether: 1000 })
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const { socket } = await open({ port })
      socket.write(request('POST /form', [multipart, 'Content-Length: 1000'], file('a', 'x')))
      await sleep(20)
      socket.destroy()
    }
    const connection = await open({ port })
    expect(await exchange(connection, post(value('a', '1') + end))).toMatchObject({ status: 200 })
    expect(log.filter(({ level }) => Number(level) >= 40)).toEqual([])
    expect(log).toContainEqual(expect.objectContaining({ code: 'REQUEST_TIMEOUT' }))
  })
})

describe('a form that stops arriving', () => {
  it('is given up, and its connection closed', async () => {
    const { port } = await listenForForms({ maximumStall: 50 })
    const { socket, read, closed } = await open({ port })
    socket.write(request('POST /form', [multipart, 'Content-Length: 1000'], value('a', '1')))
    const { status, headers, body } = await read()
    expect({ status, connection: headers['connection'], body: JSON.parse(body) as unknown }).toMatchObject({
      status: 408,
      connection: 'close',
      body: { code: 'REQUEST_TIMEOUT', detail: 'nothing more of the form arrived for 0.05 s' },
    })
    await closed
  })

  it('after it was refused is not waited for', async () => {
    const { port } = await listenForForms({ maximumStall: 50 })
    const { socket, read, closed } = await open({ port })
    socket.write(request('POST /form', ['Content-Type: application/json', 'Content-Length: 1000'], '{'))
    expect(await read()).toMatchObject({ status: 400, headers: { connection: 'close' } })
    await closed
  })
})

describe('forms that together are too large', () => {
  it('count as what has arrived of them, not as what they announce', async () => {
    const { port } = await listenForForms({ maximumBytes: 1000, maximumBytesTogether: 1000 })
    for (let idle = 0; idle < 3; idle += 1) {
      const { socket } = await open({ port })
      socket.write(request('POST /form', [multipart, 'Content-Length: 1000'], `--${boundary}`))
    }
    await sleep(20)
    expect(await exchange(await open({ port }), post(file('a', 'x'.repeat(700)) + end))).toMatchObject({ status: 200 })
  })

  it('do not wait for each other for ever', async () => {
    const { port } = await listenForForms({ maximumBytes: 1000, maximumBytesTogether: 1000 })
    const body = post(file('a', 'x'.repeat(800)) + end)
    const connections = [await open({ port }), await open({ port }), await open({ port })]
    for (const { socket } of connections) {
      socket.write(body.slice(0, 450))
      await sleep(20)
    }
    for (const { socket } of connections) socket.write(body.slice(450))
    const statuses = await Promise.all(connections.map(async ({ read }) => (await read()).status))
    expect(statuses[0]).toBe(200)
    expect(statuses).toContain(503)
  })

  it('wait for each other', async () => {
    let release = () => {}
    const released = new Promise<void>((resolve) => (release = resolve))
    onTestFinished(release)
    const { port } = await listenForForms({ maximumBytes: 1000, maximumBytesTogether: 1500 }, () => released)
    const body = file('a', 'x'.repeat(700)) + end
    const [first, second] = [await open({ port }), await open({ port })]
    first.socket.write(post(body))
    await sleep(50)
    second.socket.write(post(body))
    const order: string[] = []
    const answers = [
      first.read().then(({ status }) => order.push(`first ${status}`)),
      second.read().then(({ status }) => order.push(`second ${status}`)),
    ]
    await sleep(50)
    release()
    await Promise.all(answers)
    expect(order).toEqual(['first 200', 'second 200'])
  })

  it('are refused when they wait for too long, and the connection stays', async () => {
    let release = () => {}
    const released = new Promise<void>((resolve) => (release = resolve))
    onTestFinished(release)
    const limits = { maximumBytes: 1000, maximumBytesTogether: 1500, maximumWait: 50 }
    const { port } = await listenForForms(limits, () => released)
    const body = file('a', 'x'.repeat(700)) + end
    const [first, second] = [await open({ port }), await open({ port })]
    first.socket.write(post(body))
    await sleep(50)
    expect(await exchange(second, post(body))).toMatchObject({
      status: 503,
      json: { code: 'TOO_MANY_UPLOADS', detail: 'too many large uploads at once; try again' },
    })
    release()
    expect(await first.read()).toMatchObject({ status: 200 })
    expect(await exchange(second, post(body))).toMatchObject({ status: 200 })
  })
})

describe('other routes', () => {
  it('take JSON as before', async () => {
    const { port } = await listenForForms()
    const { socket, read } = await open({ port })
    const arrived = once(socket, 'data')
    socket.write(request('PUT /api/environments/staging/releasetrain', [multipart, 'Content-Length: 1'], '{'))
    await arrived
    expect(await read()).toMatchObject({ status: 400, body: expect.stringContaining('body is not JSON') as string })
  })
})
