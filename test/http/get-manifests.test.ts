import { describe, expect, it } from 'vitest'
import { createObject } from '../../src/manifest-store/git/git-object.ts'
import { fromBinary } from '../../src/protobuf/messages.ts'
import { manifestsMessageType } from '../../src/protobuf/to-manifests-message.ts'
import { absent, file } from '../support/changes.ts'
import type { RequestCase } from '../support/test-server.ts'
import { aProblem, createTestServer, itAnswers } from '../support/test-server.ts'

const search = 'applications/search/releases'
const newPath = '/api/application/search/release/manifests'
const searchRelease = [
  file(`${search}/7/source_commit_id`, 'c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00'),
  file(`${search}/7/source_author`, 'Search Team <search@example.com>'),
  file(`${search}/7/source_message`, 'Rank <b> & co (#1), again (#23)'),
  file(`${search}/7/created_at`, '2024-07-01T12:00:00Z'),
  file(`${search}/7/display_version`, 'v1'),
  file(`${search}/7/environments/staging/manifests.yaml`, 'x: 1\n'),
  file(`${search}/7/environments/development/manifests.yaml`, ''),
]
const searchBody =
  '{"release":{"version":7,"source_commit_id":"c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00",' +
  '"source_author":"Search Team \\u003csearch@example.com\\u003e","source_message":"Rank \\u003cb\\u003e \\u0026 co (#1), again (#23)",' +
  '"created_at":{"seconds":1719835200},"pr_number":"23","display_version":"v1","environments":["development","staging"]},' +
  '"manifests":{"development":{"environment":"development"},"staging":{"environment":"staging","content":"x: 1\\n"}}}'

describe('the manifests of a release', () => {
  itAnswers([
    ...['/7', '/007', '/7.0', '/latest'].map((version): RequestCase => ({
      name: `are Kuberpult's literal body, here for ${version}`,
      request: `GET ${newPath}${version}`,
      changes: searchRelease,
      expected: {
        status: 200,
        text: searchBody,
        headers: expect.objectContaining({ 'content-type': 'application/json; charset=utf-8' }),
      },
    })),
    {
      name: 'stand on the older path, too',
      request: 'GET /api/application/search/release/latest/manifests',
      changes: searchRelease,
      expected: { status: 200, text: searchBody },
    },
    {
      name: 'may be those of the highest version that there is, which says nothing about itself',
      request: `GET ${newPath}/latest`,
      changes: [file(`${search}/18446744073709551615/undeploy`, '')],
      expected: {
        status: 200,
        text: '{"release":{"version":18446744073709551615,"created_at":{"seconds":-62135596800},"undeploy_version":true}}',
      },
    },
    {
      name: 'of the latest release are not those of a pre-publish',
      request: `GET ${newPath}/latest`,
      changes: [...searchRelease, file(`${search}/8/is_prepublish`, '')],
      expected: { status: 200, text: searchBody },
    },
    {
      name: 'of a release that can only be read in part come with the reason',
      request: `GET ${newPath}/7`,
      changes: [
        ...searchRelease,
        absent(`${search}/7/environments/staging`),
        file(`${search}/7/environments/staging`, 'a file'),
      ],
      expected: {
        status: 200,
        json: {
          release: { unreadable: expect.stringContaining('environments/staging must be a directory') as string },
          manifests: { development: { environment: 'development' } },
        },
      },
    },
  ])

  it('can be had in binary', async () => {
    const { send } = await createTestServer({ changes: searchRelease })
    const { bytes, headers } = await send(`GET ${newPath}/7`, { headers: { accept: 'application/x-protobuf' } })
    expect(headers['content-type']).toBe('application/x-protobuf')
    expect(fromBinary(manifestsMessageType, bytes)).toMatchObject({
      release: { sourceAuthor: 'Search Team <search@example.com>', prNumber: '23' },
      manifests: { staging: { environment: 'staging', content: 'x: 1\n' } },
    })
  })

  it('are shown with a sign for what is not UTF-8, and with their byte order mark', async () => {
    const bytes = Uint8Array.of(0xef, 0xbb, 0xbf, 0x61, 0xff)
    const content = { kind: 'bytes', id: createObject('blob', bytes).id, bytes } as const
    const { send } = await createTestServer({
      changes: [{ path: `${search}/1/environments/staging/manifests.yaml`, content }],
    })
    expect(await send(`GET ${newPath}/1`)).toMatchObject({
      json: { manifests: { staging: { content: '\u{feff}a\u{fffd}' } } },
    })
  })

  it('are the same however large they are', async () => {
    const bytes = Buffer.concat([
      Buffer.from('\u{1f600}<ü'.repeat(700_000)),
      Uint8Array.of(0xf0, 0x9f, 0x98),
      Buffer.alloc(3_000_000, '\u00fc\u2028"\n'),
    ])
    const content = { kind: 'bytes', id: createObject('blob', bytes).id, bytes } as const
    const path = (environment: string) => `${search}/1/environments/${environment}/manifests.yaml`
    const { send } = await createTestServer({
      changes: [
        { path: path('staging'), content },
        { path: path('dev'), content },
      ],
    })
    const { text } = await send(`GET ${newPath}/1`)
    const json = JSON.stringify(new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes))
      .replaceAll('<', '\\u003c')
      .replaceAll('\u2028', '\\u2028')
    const member = (environment: string) => `"${environment}":{"environment":"${environment}","content":${json}}`
    expect(text.slice(text.indexOf('"manifests"')) === `"manifests":{${member('dev')},${member('staging')}}}`).toBe(
      true,
    )
    const binary = await send(`GET ${newPath}/1`, { headers: { accept: 'application/x-protobuf' } })
    const { manifests } = fromBinary(manifestsMessageType, binary.bytes)
    expect(manifests['staging']?.content === bytes.toString()).toBe(true)
  })

  it('are 304 while they are the same, in the same form', async () => {
    const { send, commit } = await createTestServer({ changes: searchRelease })
    const { headers } = await send(`GET ${newPath}/7`)
    const known = { 'if-none-match': headers['etag'] ?? '' }
    const binary = { ...known, accept: 'application/x-protobuf' }
    expect(await send(`GET ${newPath}/7`, { headers: binary })).toMatchObject({ status: 200 })
    const again = await send(`GET ${newPath}/7`, { headers: { 'if-none-match': headers['etag'] ?? '' } })
    expect(again).toMatchObject({ status: 304, text: '' })
    await commit(file(`${search}/7/environments/staging/manifests.yaml`, 'x: 2\n'))
    expect(await send(`GET ${newPath}/7`, { headers: known })).toMatchObject({ status: 200 })
  })
})

describe('manifests that are asked for by POST', () => {
  const type = { 'content-type': 'multipart/form-data; boundary=xyz' }

  itAnswers(
    [
      ['without a body', {}],
      ["with the empty multipart body of Kuberpult's client", { headers: type, body: '--xyz--\r\n' }],
      [
        'with a multipart body that has something in it',
        { headers: type, body: '--xyz\r\nContent-Disposition: form-data; name="team"\r\n\r\nsre\r\n--xyz--\r\n' },
      ],
    ].map(([name, options]): RequestCase => ({
      name: `are answered ${name as string}`,
      request: `POST ${newPath}/latest`,
      changes: searchRelease,
      ...(options as object),
      expected: {
        status: 200,
        text: searchBody,
        headers: expect.objectContaining({ 'cache-control': 'no-store' }),
      },
    })),
  )
})

describe('manifests that are not there', () => {
  const none = 'no releases found for application nothing'
  const invalid = "invalid release number, expected number, 'Major.Minor' or 'latest"
  const invalidOnOldPath = "invalid release number, expected uint or 'latest'"
  itAnswers([
    ...(
      [
        ['/api/application/nothing/release/manifests/latest', 404, 'UNKNOWN_APPLICATION', none],
        ['/api/application/nothing/release/latest/manifests', 404, 'UNKNOWN_APPLICATION', none],
        ['/api/application/nothing/release/manifests/1', 404, 'UNKNOWN_APPLICATION', 'release not found'],
        [`${newPath}/6`, 404, 'UNKNOWN_RELEASE', 'release not found'],
        [`${newPath}/7.1`, 404, 'UNKNOWN_RELEASE', 'release not found'],
        [`${newPath}/x`, 400, 'INVALID_REQUEST', invalid],
        [`${newPath}/-7`, 400, 'INVALID_REQUEST', invalid],
        [`${newPath}/7.`, 400, 'INVALID_REQUEST', invalid],
        [`${newPath}/18446744073709551616`, 400, 'INVALID_REQUEST', invalid],
        ['/api/application/search/release/7.0/manifests', 400, 'INVALID_REQUEST', invalidOnOldPath],
        ['/api/application/search/release/newest/manifests', 400, 'INVALID_REQUEST', invalidOnOldPath],
      ] as const
    ).map(([path, status, code, detail]): RequestCase => ({
      name: `are ${status}: ${path}`,
      request: `GET ${path}`,
      changes: searchRelease,
      expected: aProblem(status, code, detail),
    })),
    {
      name: 'are 404 when there are only pre-publishes',
      request: `GET ${newPath}/latest`,
      changes: [file(`${search}/8/is_prepublish`, '')],
      expected: aProblem(404, 'UNKNOWN_RELEASE', 'no releases found for application search'),
    },
    {
      name: 'are 503 with the reason when the application cannot be read',
      request: 'GET /api/application/cart/release/manifests/latest',
      changes: [absent('applications/cart/releases'), file('applications/cart/releases', 'a file')],
      expected: aProblem(503, 'STORE_UNAVAILABLE', expect.stringContaining('applications/cart/releases')),
    },
  ])
})
