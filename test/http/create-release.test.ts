import { describe, expect, it } from 'vitest'
import { environmentLock } from '../support/changes.ts'
import { open } from '../support/connection.ts'
import type { Part } from '../support/multipart.ts'
import { aForm, boundary, manifest, multipartType, toMultipart, value } from '../support/multipart.ts'
import type { Answer, RequestCase, ServerSetup } from '../support/test-server.ts'
import { aPrincipal, aProblem, createTestServer, itAnswers, listenTestServer } from '../support/test-server.ts'
import { readWholeTree } from '../support/tree-text.ts'
import { writeSettings } from '../support/write-settings.ts'

const dialects = ['/api/release', '/release'] as const
const application = value('application', 'cart')
const yaml = 'kind: Deployment\n'
const forDevelopment = manifest('development', yaml)
const commit = 'C0FFEE'.repeat(6) + 'beef'

/** What of a new release stands in the repository, by file name. */
async function create(path: string, parts: readonly Part[], setup: ServerSetup = {}) {
  const { send, repository } = await createTestServer(setup)
  const answer = await send(`POST ${path}`, aForm(...parts))
  const before = await readWholeTree(repository, answer.headBefore)
  const files = [...(await readWholeTree(repository, answer.headAfter))].filter(([name]) => !before.has(name))
  return { answer, files: Object.fromEntries(files) }
}

function anOutcome(status: number, outcome: object, hasCommitted = false): Partial<Record<keyof Answer, unknown>> {
  return {
    status,
    text: `${JSON.stringify(outcome)}\n`,
    hasCommitted,
    headers: expect.objectContaining({
      'content-type': 'application/json; charset=utf-8',
      'cache-control': 'no-store',
    }),
  }
}

describe.each(dialects)('a release at %s', (path) => {
  it('is refused before anybody looks into its manifests, where it may not be made', async () => {
    const { send } = await createTestServer({ principal: aPrincipal({ denied: ['CreateRelease development'] }) })
    const answer = await send(`POST ${path}`, aForm(application, manifest('development', 'a: [')))
    expect(answer).toMatchObject({ status: 403, json: { code: 'PERMISSION_DENIED' }, hasCommitted: false })
  })

  it('is created with the next number, deployed where the newest goes, and found at its Location', async () => {
    const server = await createTestServer()
    const answer = await server.send(`POST ${path}`, aForm(application, value('display_version', 'v6'), forDevelopment))
    expect(answer).toMatchObject(anOutcome(201, { Success: {} }, true))
    const found = await server.send(`GET ${answer.headers['location']}`)
    expect(found.json).toMatchObject({
      name: 'cart',
      releases: expect.arrayContaining([expect.objectContaining({ version: '6', displayVersion: 'v6' })]),
    })
    const { json } = await server.send('GET /api/environments/development')
    expect(json).toMatchObject({
      applications: expect.arrayContaining([expect.objectContaining({ name: 'cart', version: '6' })]),
    })
  })

  it('is the same when it is sent again, and different with the first field that is', async () => {
    const { send } = await createTestServer()
    const parts = [application, value('version', '6'), value('source_message', 'Wheels')]
    const first = await send(`POST ${path}`, aForm(...parts, forDevelopment))
    expect(first).toMatchObject(anOutcome(201, { Success: {} }, true))
    // Comments and all stay, but how it is indented means nothing.
    for (const text of [yaml, 'kind:    Deployment\n']) {
      const again = await send(`POST ${path}`, aForm(...parts, manifest('development', text)))
      expect(again).toMatchObject(anOutcome(200, { AlreadyExistsSame: {} }))
    }
    const other = await send(`POST ${path}`, aForm(...parts, manifest('development', 'kind: Service\n')))
    expect(other).toMatchObject({ status: 409, hasCommitted: false })
    expect(other.json).toEqual({
      AlreadyExistsDifferent: {
        first_differing_field: 6,
        diff: expect.stringMatching(/^--- development-existing\n\+\+\+ development-request\n/) as string,
      },
    })
    const message = await send(
      `POST ${path}`,
      aForm(application, value('version', '6'), value('source_message', 'x'), forDevelopment),
    )
    expect(message.json).toMatchObject({ AlreadyExistsDifferent: { first_differing_field: 2 } })
  })

  it('takes a YAML bomb for the few bytes that it is: nobody follows its aliases', async () => {
    const { send } = await createTestServer()
    const post = (text: string) =>
      send(`POST ${path}`, aForm(application, value('version', '6'), manifest('development', text)))
    expect(await post(aBomb())).toMatchObject(anOutcome(201, { Success: {} }, true))
    expect(await post(aBomb().replaceAll(':', ': '))).toMatchObject(anOutcome(200, { AlreadyExistsSame: {} }))
    expect(await post(aBomb().replace('[x]', '[y]'))).toMatchObject({ status: 409 })
  })

  it('waits where the environment is locked', async () => {
    const { answer, files } = await create(path, [application, forDevelopment], {
      changes: environmentLock('development', 'freeze'),
    })
    expect(answer).toMatchObject(anOutcome(201, { Success: {} }, true))
    expect(Object.keys(files)).toContain('environments/development/applications/cart/queued_version')
  })

  itAnswers([
    {
      name: 'with a name that no application can have is refused',
      request: `POST ${path}`,
      ...aForm(value('application', 'A_b'), forDevelopment),
      expected: anOutcome(400, {
        TooLong: { app_name: 'A_b', reg_exp: '\\A[a-z0-9]+(?:-[a-z0-9]+)*\\z', max_len: 39 },
      }),
    },
    {
      name: 'with a name that differs from another in its case only is refused, too',
      request: `POST ${path}`,
      ...aForm(value('application', 'Cart'), forDevelopment),
      expected: { ...anOutcome(400, {}), text: expect.stringContaining('"app_name":"Cart"') },
    },
    {
      name: 'needs the permission',
      request: `POST ${path}`,
      principal: aPrincipal({ denied: ['CreateRelease development'] }),
      ...aForm(application, forDevelopment),
      expected: aProblem(403, 'PERMISSION_DENIED', expect.stringContaining("the action 'CreateRelease'")),
    },
    {
      name: 'with a manifest that is no YAML is told where',
      request: `POST ${path}`,
      ...aForm(application, manifest('development', 'a: 1\nb: ]\n'), manifest('staging', '{')),
      expected: aProblem(
        400,
        'INVALID_REQUEST',
        expect.stringMatching(
          /^Manifest for environment "development" is not valid YAML: .* \(line 2, column 4\); Manifest for environment "staging" is not valid YAML: /,
        ),
      ),
    },
    {
      name: 'with a body that ends in the middle is refused',
      request: `POST ${path}`,
      headers: { 'content-type': multipartType },
      body: toMultipart([application, forDevelopment]).subarray(0, -30),
      expected: aProblem(400, 'INVALID_REQUEST', 'Invalid body: multipart: NextPart: EOF'),
    },
    {
      name: 'with a part without a name is refused',
      request: `POST ${path}`,
      headers: { 'content-type': multipartType },
      body: `--${boundary}\r\nContent-Disposition: form-data\r\n\r\n1\r\n${String(toMultipart([application, forDevelopment]))}`,
      expected: aProblem(400, 'INVALID_REQUEST', expect.stringContaining('a part has no Content-Disposition')),
    },
    {
      name: 'that is no form is refused',
      request: `POST ${path}`,
      body: { application: 'cart' },
      expected: aProblem(400, 'INVALID_REQUEST', "Invalid body: request Content-Type isn't multipart/form-data"),
    },
  ])
})

/** Small, and without end when its aliases are followed. */
function aBomb(): string {
  const levels = Array.from({ length: 12 }, (_, n) => `a${n + 1}: &a${n + 1} [${`*a${n},`.repeat(10)}]\n`)
  return `a0: &a0 [x]\n${levels.join('')}`
}

/** What a field of the form is told, by dialect; the name of a file where it is taken, with its content. */
interface FieldCase {
  readonly parts: readonly Part[]
  /** The whole detail; of what is accepted, which files there are of it, or are not. */
  readonly current: string | Readonly<Record<string, string | undefined>>
  readonly older: string | Readonly<Record<string, string | undefined>>
}

const release = [application, value('version', '9'), forDevelopment]
const at = (file: string) => `applications/cart/releases/9/${file}`
const twice = (name: string) => [value(name, 'a'), value(name, 'b')]
const exactlyOne = (name: string, count: number) =>
  `Exactly one '${name}' parameter should be provided, ${count} are given`
const notANumber = (text: string, reason: string) => `strconv.ParseUint: parsing "${text}": ${reason}`
const noManifests = 'No manifest files provided'
const long = 'x'.repeat(1001)

const fields: Readonly<Record<string, FieldCase>> = {
  'no application': {
    parts: [forDevelopment],
    current: exactlyOne('application', 0),
    older: 'Must provide application name',
  },
  'two applications': {
    parts: [...twice('application'), forDevelopment],
    current: exactlyOne('application', 2),
    older: 'Please provide single application name',
  },
  'an empty application': {
    parts: [value('application', ''), forDevelopment],
    current: "Invalid application name: '' - must not be empty",
    older: "Invalid application name: '' - must not be empty",
  },
  'no manifest': { parts: [application], current: noManifests, older: noManifests },
  'a manifest for an environment twice': {
    parts: [...release, manifest('development', 'x: 1')],
    current: 'multiple manifests submitted for "development"',
    older: 'multiple manifests submitted for "development"',
  },
  'a file of another name': {
    parts: [...release, { name: 'manifest', content: '', fileName: 'x' }],
    current: "Invalid manifest form file: 'manifest'. Must match '^manifests\\[([^[\\]]+)\\]$'",
    older: "Invalid manifest form file: 'manifest'. Must match '^manifests\\[([^[\\]]+)\\]$'",
  },
  'a manifest that is no file': {
    parts: [...release, value('manifests[staging]', 'x: 1')],
    current: "'manifests[staging]' must be a file: send it with a file name",
    older: "'manifests[staging]' must be a file: send it with a file name",
  },
  'a signature': {
    parts: [...release, { name: 'signatures[development]', content: '', fileName: 'x' }],
    current: "Invalid manifest form file: 'signatures[development]'. Must match '^manifests\\[([^[\\]]+)\\]$'",
    older: {},
  },
  'two teams': {
    parts: [...release, ...twice('team')],
    current: exactlyOne('team', 2),
    older: { 'applications/cart/team': undefined },
  },
  'a commit in capitals': {
    parts: [...release, value('source_commit_id', commit)],
    current: { [at('source_commit_id')]: `100644 "${commit.toLowerCase()}"` },
    older: { [at('source_commit_id')]: undefined },
  },
  'a short commit': {
    parts: [...release, value('source_commit_id', 'c0ffee1')],
    current: 'source_commit_id must be 40 hex digits',
    older: 'source_commit_id must be 40 hex digits',
  },
  'a previous commit that is none': {
    parts: [...release, value('previous_commit_id', 'x')],
    current: {},
    older: 'Provided commit id (x) is not valid.',
  },
  'an author without an address': {
    parts: [...release, value('source_author', 'Build <x>')],
    current: { [at('source_author')]: '100644 "Build <x>"' },
    older: { [at('source_author')]: undefined },
  },
  'a long author': {
    parts: [...release, value('source_author', long)],
    current: 'is longer than 1000 bytes',
    older: { [at('source_author')]: `100644 "${long}"` },
  },
  'a long message': {
    parts: [...release, value('source_message', long)],
    current: 'is longer than 1000 bytes',
    older: { [at('source_message')]: `100644 "${long}"` },
  },
  'two messages': {
    parts: [...release, ...twice('source_message')],
    current: exactlyOne('source_message', 2),
    older: { [at('source_message')]: undefined },
  },
  'a version that is no number': {
    parts: [application, value('version', '1a'), forDevelopment],
    current: `Provided version '1a' is not valid: ${notANumber('1a', 'invalid syntax')}`,
    older: `Invalid version: ${notANumber('1a', 'invalid syntax')}`,
  },
  'a version of 2^64': {
    parts: [application, value('version', String(2n ** 64n)), forDevelopment],
    current: `Provided version '${2n ** 64n}' is not valid: ${notANumber(String(2n ** 64n), 'value out of range')}`,
    older: `Invalid version: ${notANumber(String(2n ** 64n), 'value out of range')}`,
  },
  'version 0, which is the next one': {
    parts: [application, value('version', '0'), forDevelopment],
    current: {
      'applications/cart/releases/6/environments/development/manifests.yaml': '100644\n    |kind: Deployment',
    },
    older: { 'applications/cart/releases/6/environments/development/manifests.yaml': '100644\n    |kind: Deployment' },
  },
  'two display versions': {
    parts: [...release, ...twice('display_version')],
    current: exactlyOne('display_version', 2),
    older: exactlyOne('display_version', 2),
  },
  'a display version of 16 bytes': {
    parts: [...release, value('display_version', 'ä'.repeat(8))],
    current: 'DisplayVersion given should be <= 15 characters',
    older: 'DisplayVersion given should be <= 15 characters',
  },
  'a link that is none': {
    parts: [...release, value('ci_link', 'ftp://x')],
    current: 'provided CI Link: ftp://x is not valid or does not match any of the allowed domain',
    older: 'provided CI Link: ftp://x is not valid or does not match any of the allowed domain',
  },
  'a pre-publish': {
    parts: [...release, value('is_prepublish', 'T')],
    current: { [at('is_prepublish')]: '100644 ""', [at('environments/development/manifests.yaml')]: undefined },
    older: {
      [at('is_prepublish')]: undefined,
      [at('environments/development/manifests.yaml')]: '100644\n    |kind: Deployment',
    },
  },
  'a pre-publish that is neither': {
    parts: [...release, value('is_prepublish', 'yes')],
    current: "Provided is_prepublish 'yes' is not valid: must be true or false",
    older: {},
  },
  'a revision': {
    parts: [...release, value('revision', '1')],
    current: 'a revision is not possible: Signalbox has none',
    older: 'a revision is not possible: Signalbox has none',
  },
  'revision 0': { parts: [...release, value('revision', '0')], current: {}, older: {} },
  'a bracket': {
    parts: [...release, value('experimentalArgoBracket', 'x')],
    current: 'an experimentalArgoBracket is not possible: Signalbox has no brackets',
    older: 'an experimentalArgoBracket is not possible: Signalbox has no brackets',
  },
  "the sources' address": {
    parts: [...release, value('source_repo_url', 'x')],
    current: { [at('source_repo_url')]: undefined },
    older: { [at('source_repo_url')]: undefined },
  },
  'a value that is a file': {
    parts: [...release, { name: 'team', content: 'shop', fileName: 'x' }],
    current: 'must be a value, not a file: send it without a file name',
    older: 'must be a value, not a file: send it without a file name',
  },
}

describe('a form with', () => {
  it.each(
    Object.entries(fields).flatMap(([name, { parts, current, older }]) => [
      [name, '/api/release', parts, current] as const,
      [name, '/release', parts, older] as const,
    ]),
  )('%s is judged as Kuberpult does: %s', async (_name, path, parts, expected) => {
    const { answer, files } = await create(path, parts)
    if (typeof expected === 'string') return expect(answer).toMatchObject(aProblem(400, 'INVALID_REQUEST', expected))
    expect(answer).toMatchObject(anOutcome(201, { Success: {} }, true))
    for (const [name, content] of Object.entries(expected)) expect([name, files[name]]).toEqual([name, content])
  })

  const downstream = value('deploy_to_downstream_environments', 'staging')
  itAnswers([
    {
      name: 'environments downstream that it has no manifest for is refused',
      request: 'POST /api/release',
      ...aForm(application, forDevelopment, downstream),
      expected: anOutcome(400, { MissingManifest: { missing_manifest: ['staging'] } }),
    },
    {
      name: 'environments downstream that are none is refused',
      request: 'POST /api/release',
      ...aForm(application, forDevelopment, value('deploy_to_downstream_environments', 'development')),
      expected: anOutcome(400, { IsNoDownstream: { no_downstream: ['development'] } }),
    },
    {
      name: 'environments downstream is taken without them on the older path',
      request: 'POST /release',
      ...aForm(application, forDevelopment, downstream),
      expected: anOutcome(201, { Success: {} }, true),
    },
    ...(['PUT', 'GET'] as const).map((method): RequestCase => ({
      name: `the method ${method} is none`,
      request: `${method} /release`,
      expected: aProblem(405, 'METHOD_NOT_ALLOWED', expect.any(String)),
    })),
  ])
})

describe('a version', () => {
  it.each(['9007199254740993', String(2n ** 64n - 1n)])('of %s is kept to the digit, in JSON too', async (version) => {
    const { send } = await createTestServer()
    const created = await send(
      'POST /api/release',
      aForm(application, value('version', version), forDevelopment, manifest('staging', yaml)),
    )
    expect(created).toMatchObject({ status: 201 })
    const found = await send('GET /api/applications/cart')
    expect(found.json).toMatchObject({ releases: expect.arrayContaining([expect.objectContaining({ version })]) })
    for (const which of [version, 'latest']) {
      const manifests = await send(`GET /api/application/cart/release/manifests/${which}`)
      expect(manifests.text).toContain(`"version":${version},`)
    }
    const deployed = await send('PUT /api/environments/staging/applications/cart/deployment', { body: { version } })
    expect(deployed.json).toMatchObject({ version, outcome: 'deployed' })
    const history = await send('GET /api/environments/staging/applications/cart/history')
    expect(history.json).toMatchObject({ events: [expect.objectContaining({ version }), expect.anything()] })
    const again = await send('POST /api/release', aForm(application, value('version', version), forDevelopment))
    expect(again).toMatchObject(anOutcome(200, { AlreadyExistsSame: {} }))
  })

  it.each([
    ['the same content', yaml, [200, 201]],
    ['other content', 'kind: Service\n', [201, 409]],
  ])('that two clients create at once with %s is created once', async (_what, other, statuses) => {
    const server = await listenTestServer()
    const post = async (text: string) => {
      const connection = await open(server)
      const body = toMultipart([application, value('version', '9'), manifest('development', text)])
      const head = [
        'POST /api/release HTTP/1.1',
        'Host: signalbox',
        `Content-Type: ${multipartType}`,
        `Content-Length: ${body.length}`,
      ]
      connection.socket.write(`${head.join('\r\n')}\r\n\r\n`)
      connection.socket.write(body)
      return (await connection.read()).status
    }
    const before = server.repository.updates.length
    const answered = await Promise.all([post(yaml), post(other)])
    expect(answered.toSorted()).toEqual(statuses)
    expect(server.repository.updates.length).toBe(before + 1)
  })

  it('that retention would remove at once is too old', async () => {
    const { send } = await createTestServer({ options: { settings: writeSettings({ releaseVersionsLimit: 1 }) } })
    const form = aForm(value('application', 'inventory'), value('version', '1'), forDevelopment)
    for (const path of dialects) expect(await send(`POST ${path}`, form)).toMatchObject(anOutcome(400, { TooOld: {} }))
  })
})
