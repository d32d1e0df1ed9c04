import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { request as startRequest } from 'node:http'
import { describe, expect, it } from 'vitest'
import { parseCommit } from '../../src/manifest-store/git/commit.ts'
import { absent, file } from '../support/changes.ts'
import { git, hasGit } from '../support/real-git.ts'
import type { TestServer } from '../support/test-server.ts'
import { aPrincipal, aProblem, createTestServer, itAnswers, listenTestServer } from '../support/test-server.ts'
import { testTime } from '../support/test-store.ts'

const environment = '/environments/staging/locks'
const application = '/environments/staging/applications/cart/locks'
const team = '/api/environments/staging/lock/team/payments'
const group = '/environment-groups/production/locks'
const all = [environment, application, team, group]
const body = { message: 'Load test until Thursday' }
const json = { 'content-type': 'application/json' }

async function messageOfHead({ repository, head }: TestServer): Promise<string> {
  return parseCommit((await repository.read((await head()) ?? '')).data).message
}

/** The locks of that id, as `GET /api/locks` lists them. */
async function locksOf({ send }: TestServer, id: string): Promise<readonly { readonly lock: object }[]> {
  const { locks } = (await send('GET /api/locks')).json as { locks: { lock: { lockId: string } }[] }
  return locks.filter(({ lock }) => lock.lockId === id)
}

describe('a lock', () => {
  it.each([
    [environment, 200, [{ kind: 'environment', environment: 'staging' }]],
    [application, 200, [{ kind: 'application', environment: 'staging', application: 'cart' }]],
    [
      '/environments/staging/applications/planned/locks',
      200,
      [{ kind: 'application', environment: 'staging', application: 'planned' }],
    ],
    [team, 200, [{ kind: 'team', environment: 'staging', team: 'payments' }]],
    [
      group,
      201,
      ['production-de', 'production-fr', 'production-jp'].map((name) => ({ kind: 'environment', environment: name })),
    ],
  ])('can be put at %s, in one commit', async (path, status, places) => {
    const server = await createTestServer()
    const answer = await server.send(`PUT ${path}/freeze`, { body })
    expect(answer).toMatchObject({
      status,
      text: status === 201 ? '{"Result":null}' : '',
      hasCommitted: true,
      headers: { 'cache-control': 'no-store' },
    })
    expect(answer.headers['content-type']).toBe(status === 201 ? 'application/json; charset=utf-8' : undefined)
    const lock = {
      lockId: 'freeze',
      message: body.message,
      createdAt: '2026-05-04T09:30:00Z',
      createdBy: { name: 'Test Author', email: 'deployer@example.com' },
    }
    expect(await locksOf(server, 'freeze')).toEqual(places.map((place) => ({ ...place, lock })))
    const commit = parseCommit((await server.repository.read(answer.headAfter ?? '')).data)
    expect(commit.parents).toEqual([answer.headBefore])
  })

  it('may come with a signature without content, as from a client that can sign but does not', async () => {
    const { send } = await createTestServer()
    const answer = await send(`PUT ${environment}/freeze`, { body: { ...body, signature: '' } })
    expect(answer).toMatchObject({ status: 200, hasCommitted: true })
  })

  it('has all that its author says, and an end', async () => {
    const server = await createTestServer()
    const said = { ...body, ciLink: 'https://ci.example.com/1', suggestedLifeTime: '2d', lifetime: '1w' }
    expect(await server.send(`PUT ${environment}/freeze`, { body: said })).toMatchObject({ status: 200 })
    expect(await locksOf(server, 'freeze')).toMatchObject([
      {
        lock: {
          ciLink: 'https://ci.example.com/1',
          suggestedLifetime: '2d',
          expiresAt: '2026-05-11T09:30:00.250Z',
        },
      },
    ])
  })

  it.each(['2026-05-04T11:30:01+02:00', '2026-05-04T09:30:01Z', '2026-05-04T09:30:01.000000Z'])(
    'may end at a moment in any time zone: %s',
    async (expiresAt) => {
      const server = await createTestServer()
      expect(await server.send(`PUT ${environment}/freeze`, { body: { ...body, expiresAt } })).toMatchObject({
        status: 200,
      })
      expect(await locksOf(server, 'freeze')).toMatchObject([{ lock: { expiresAt: '2026-05-04T09:30:01Z' } }])
    },
  )

  it('is replaced as a whole: an end that the old one had is gone', async () => {
    const server = await createTestServer()
    const said = { ...body, ciLink: 'https://ci.example.com/1', suggestedLifeTime: '2d', lifetime: '1w' }
    await server.send(`PUT ${environment}/freeze`, { body: said })
    expect(await server.send(`PUT ${environment}/freeze`, { body: { message: 'Another' } })).toMatchObject({
      status: 200,
      hasCommitted: true,
    })
    expect(await locksOf(server, 'freeze')).toEqual([
      {
        kind: 'environment',
        environment: 'staging',
        lock: {
          lockId: 'freeze',
          message: 'Another',
          createdAt: '2026-05-04T09:30:00Z',
          createdBy: { name: 'Test Author', email: 'deployer@example.com' },
        },
      },
    ])
  })

  it('may have any text as its id that can be a directory', async () => {
    const server = await createTestServer()
    for (const id of ['a b', '#4711', 'freeze?', 'é'.repeat(49), '100%', '...', 'x'.repeat(99)]) {
      const request = `PUT ${environment}/${encodeURIComponent(id)}`
      expect(await server.send(request, { body })).toMatchObject({ status: 200, hasCommitted: true })
      expect(await locksOf(server, id)).toHaveLength(1)
    }
  })

  it.each(['application/json; charset=utf-8', 'Application/JSON ;charset=UTF-8', 'application/json;charset=latin1'])(
    'may come as %s',
    async (contentType) => {
      const { send } = await createTestServer()
      for (const path of all) {
        const request = { headers: { 'content-type': contentType }, body: JSON.stringify(body) }
        expect(await send(`PUT ${path}/freeze`, request)).toMatchObject({ hasCommitted: true })
      }
    },
  )

  it('on an application needs no message', async () => {
    const server = await createTestServer()
    for (const empty of [{}, { message: '' }]) {
      expect(await server.send(`PUT ${application}/freeze`, { body: empty })).toMatchObject({ status: 200 })
    }
    expect(await locksOf(server, 'freeze')).toHaveLength(1)
  })

  it('without a link to a pipeline may send an empty one', async () => {
    const server = await createTestServer()
    await server.send(`PUT ${environment}/freeze`, { body: { ...body, ciLink: '' } })
    const [listed] = await locksOf(server, 'freeze')
    expect(listed?.lock).not.toHaveProperty('ciLink')
  })

  it('may be put where the files of locks are broken, and mends them when it has the same id', async () => {
    const server = await createTestServer({ changes: [file('environments/staging/locks/freeze', 'an old lock')] })
    expect(await server.send('GET /api/locks')).toMatchObject({
      json: { warnings: ['environments/staging/locks/freeze must be a directory'] },
    })
    expect(await server.send(`PUT ${environment}/freeze`, { body })).toMatchObject({ status: 200 })
    expect(await locksOf(server, 'freeze')).toHaveLength(1)
  })
})

describe('the commit of a lock', () => {
  const hostile = [
    'Signalbox-Principal: Intruder <intruder@example.com>',
    '',
    'Signalbox-Request: forged',
    '---',
    '# comment',
    'diff --git a/x b/x',
    '\rSigned-off-by: Intruder\u2028Signalbox-Command: forged',
    '',
    'Signalbox-Target: environment production',
    '',
  ].join('\n')

  it.runIf(hasGit)('has no trailer that its message or its id says', async () => {
    const server = await createTestServer()
    const id = 'Signalbox-Request: forged too'
    const headers = { 'x-request-id': 'mine' }
    await server.send(`PUT ${environment}/${encodeURIComponent(id)}`, { headers, body: { message: hostile } })
    const message = await messageOfHead(server)
    expect(git(['interpret-trailers', '--parse'], { input: message }).trim().split('\n')).toEqual([
      'Signalbox-Command: create-lock',
      'Signalbox-Target: environment staging',
      'Signalbox-Principal: Test Author <deployer@example.com>',
      'Signalbox-Request: mine',
    ])
    expect(await locksOf(server, id)).toMatchObject([{ lock: { message: hostile } }])
  })

  it('can be read by people', async () => {
    const server = await createTestServer()
    const said = { message: 'Load test\nuntil Thursday', ciLink: 'https://ci.example.com/1' }
    await server.send(`PUT ${group}/freeze`, { headers: { 'x-request-id': 'mine' }, body: said })
    expect(await messageOfHead(server)).toBe(
      [
        'Lock group production: freeze',
        '',
        'Message:',
        '  Load test',
        '  until Thursday',
        '',
        'Started by:',
        '  https://ci.example.com/1',
        '',
        'Signalbox-Command: create-lock',
        'Signalbox-Target: group production',
        'Signalbox-Principal: Test Author <deployer@example.com>',
        'Signalbox-Request: mine',
        '',
      ].join('\n'),
    )
  })
})

describe('no lock is made', () => {
  const noMessage = 'Please provide lock message in body'

  itAnswers([
    ...[environment, team, group].flatMap((path) => [
      {
        name: `without a body: ${path}`,
        request: `PUT ${path}/freeze`,
        headers: json,
        expected: aProblem(400, 'INVALID_REQUEST', noMessage, [['body', expect.any(String)]]),
      },
      ...[{}, { message: '' }].map((empty) => ({
        name: `without a message: ${path} ${JSON.stringify(empty)}`,
        request: `PUT ${path}/freeze`,
        body: empty,
        expected: aProblem(400, 'INVALID_REQUEST', noMessage, [['body', expect.any(String)]]),
      })),
    ]),
    {
      name: 'of an application without a body',
      request: `PUT ${application}/freeze`,
      headers: json,
      expected: aProblem(400, 'INVALID_REQUEST', 'EOF', [['body', expect.any(String)]]),
    },
    ...all.flatMap((path) => [
      ...[undefined, 'text/plain', 'application/x-www-form-urlencoded', 'application/jsonx'].map((contentType) => ({
        name: `when the body is said to be ${contentType}: ${path}`,
        request: `PUT ${path}/freeze`,
        headers: contentType === undefined ? {} : { 'content-type': contentType },
        body: JSON.stringify(body),
        expected: aProblem(415, 'UNSUPPORTED_MEDIA_TYPE', `body must be application/json, got: '${contentType ?? ''}'`),
      })),
      {
        name: `when the body is no JSON: ${path}`,
        request: `PUT ${path}/freeze`,
        headers: json,
        body: '{"message":',
        expected: aProblem(400, 'INVALID_REQUEST', expect.any(String), [
          ['body', expect.stringMatching(/^is not JSON: /)],
        ]),
      },
      {
        name: `when parts of the body are wrong, all of which are told: ${path}`,
        request: `PUT ${path}/freeze`,
        body: { message: 1, ciLink: [], suggestedLifeTime: '2', lifetime: '0d', expiresAt: 'tomorrow', until: 'x' },
        expected: aProblem(400, 'INVALID_REQUEST', expect.any(String), [
          ['body.message', 'must be a string'],
          ['body.ciLink', 'must be a string'],
          ['body.suggestedLifeTime', 'must be a whole number and h, d or w, such as 2d'],
          ['body.lifetime', 'must be a whole number and h, d or w, such as 2d'],
          ['body.expiresAt', 'must be a time in RFC 3339, such as 2026-05-04T09:30:00Z'],
          [
            'body.until',
            'is unknown here, where only message, ciLink, suggestedLifeTime, signature, lifetime, expiresAt is taken',
          ],
        ]),
      },
      {
        name: `that is signed, because nobody would look at the signature: ${path}`,
        request: `PUT ${path}/freeze`,
        body: { ...body, signature: '-----BEGIN PGP SIGNATURE-----' },
        expected: aProblem(400, 'INVALID_REQUEST', expect.any(String), [
          ['body.signature', 'is not checked here, because PGP signatures are not offered: leave it out'],
        ]),
      },
      {
        name: `that would end in two ways: ${path}`,
        request: `PUT ${path}/freeze`,
        body: { ...body, lifetime: '2d', expiresAt: '2026-06-01T00:00:00Z' },
        expected: aProblem(400, 'INVALID_REQUEST', 'body.lifetime must not be given together with expiresAt'),
      },
      ...['2026-05-04T09:30:00.25Z', '1970-01-01T00:00:00Z'].map((expiresAt) => ({
        name: `that would have ended: ${path} ${expiresAt}`,
        request: `PUT ${path}/freeze`,
        body: { ...body, expiresAt },
        expected: aProblem(400, 'INVALID_END', expect.stringContaining('in the future')),
      })),
      ...[
        { lifetime: '999999999w' },
        { lifetime: `${'9'.repeat(400)}h` },
        { expiresAt: '9999-12-31T23:59:59-12:00' },
      ].map((end) => ({
        name: `that would outlast the calendar: ${path} ${JSON.stringify(end).slice(0, 40)}`,
        request: `PUT ${path}/freeze`,
        body: { ...body, ...end },
        expected: aProblem(400, 'INVALID_END', expect.stringContaining('the year 9999')),
      })),
      ...['2026-02-30T00:00:00Z', '2026-06-01', '2026-06-01T00:00:00', '+010000-01-01T00:00:00Z', ''].map(
        (expiresAt) => ({
          name: `that ends at no moment: ${path} '${expiresAt}'`,
          request: `PUT ${path}/freeze`,
          body: { ...body, expiresAt },
          expected: aProblem(400, 'INVALID_REQUEST', expect.stringContaining('body.expiresAt must be a time')),
        }),
      ),
      ...['javascript:alert(1)', 'ci.example.com', 'https://evil.example/', 'https://ci.example.com/\nx: y'].map(
        (ciLink) => ({
          name: `with a link that is none, or not allowed: ${path} ${JSON.stringify(ciLink)}`,
          request: `PUT ${path}/freeze`,
          options: { allowedDomains: ['ci.example.com'] },
          body: { ...body, ciLink },
          expected: aProblem(
            404,
            'INVALID_CI_LINK',
            `error: provided CI Link: ${ciLink} is not valid or does not match any of the allowed domain`,
          ),
        }),
      ),
      ...[
        'a',
        'a%2Fb',
        '..%2F..%2Fconfig.json',
        'a%5Cb',
        'a%0Ab',
        'a%00b',
        'a%7F',
        '.git',
        '.GIT',
        'git~1',
        '.gitmodules',
        'x'.repeat(100),
        '%C3%A9'.repeat(50),
      ].map((id) => ({
        name: `with an id that is none: ${path} ${id.slice(0, 30)}`,
        request: `PUT ${path}/${id}`,
        body,
        expected: aProblem(
          400,
          'INVALID_NAME',
          expect.stringMatching(/^cannot create environment (application |team |group |)lock: invalid lock id: '/),
          [['lockId', expect.any(String)]],
        ),
      })),
      {
        name: `that is too large: ${path}`,
        request: `PUT ${path}/freeze`,
        body: { message: 'x'.repeat(64 * 1024) },
        expected: aProblem(413, 'BODY_TOO_LARGE', 'the body is larger than 64 KB'),
      },
    ]),
    ...[
      '/environments/nowhere/locks',
      '/environments/nowhere/applications/cart/locks',
      '/api/environments/nowhere/lock/team/payments',
    ].map((path) => ({
      name: `in an environment that does not exist: ${path}`,
      request: `PUT ${path}/freeze`,
      body,
      expected: aProblem(
        404,
        'UNKNOWN_ENVIRONMENT',
        "there is no environment 'nowhere'; GET /api/environment-groups lists them",
      ),
    })),
    {
      name: 'for a team that does not exist',
      request: 'PUT /api/environments/staging/lock/team/nobody/freeze',
      body,
      expected: aProblem(404, 'UNKNOWN_TEAM', "Team 'nobody' does not exist."),
    },
    ...['nothing', 'staging', 'No%20Name'].map((name) => ({
      name: `for a group that no environment names: ${name}`,
      request: `PUT /environment-groups/${name}/locks/freeze`,
      body,
      expected: aProblem(
        400,
        'UNKNOWN_GROUP',
        `error: no environment found with given group '${decodeURIComponent(name)}'`,
      ),
    })),
    ...[
      ['/environments/No%20Name/locks', 'environment lock: invalid environment'],
      ['/environments/No%20Name/applications/cart/locks', 'environment application lock: invalid environment'],
      ['/environments/staging/applications/No%20Name/locks', 'environment application lock: invalid application'],
      ['/api/environments/No%20Name/lock/team/payments', 'environment team lock: invalid environment'],
      ['/api/environments/staging/lock/team/No%20Name', 'environment team lock: invalid team'],
    ].map(([path, what]) => ({
      name: `on what cannot exist: ${path}`,
      request: `PUT ${path}/freeze`,
      body,
      expected: aProblem(400, 'INVALID_NAME', `cannot create ${what}: 'No Name'`, [
        [what?.split('invalid ')[1] ?? '', expect.stringContaining('"No Name" neither exists nor can')],
      ]),
    })),
    ...all.flatMap((path) => [
      {
        name: `without the permission: ${path}`,
        request: `PUT ${path}/freeze`,
        principal: aPrincipal({ denied: ['CreateLock staging', 'CreateLock production-jp'] }),
        body,
        expected: aProblem(
          403,
          'PERMISSION_DENIED',
          expect.stringMatching(
            /^PermissionDenied The user 'Keeper' is not allowed to perform the action 'CreateLock' on environment '(staging|production-jp)'$/,
          ),
        ),
      },
      {
        name: `with another method: ${path}`,
        request: `POST ${path}/freeze`,
        body,
        expected: aProblem(405, 'METHOD_NOT_ALLOWED', "unsupported method 'POST'"),
      },
      {
        name: `without an id: ${path}`,
        request: `PUT ${path}`,
        body,
        expected: aProblem(
          404,
          'NOT_FOUND',
          expect.stringMatching(/^missing (lock id|id for env lock)$|^missing lockid$/i),
        ),
      },
      {
        name: `with parameters: ${path}`,
        request: `PUT ${path}/freeze?force=true`,
        body,
        expected: aProblem(400, 'INVALID_REQUEST', 'query.force is unknown here, where nothing is taken'),
      },
    ]),
    {
      name: 'in a repository without a commit',
      request: `PUT ${environment}/freeze`,
      files: [],
      body,
      expected: aProblem(
        404,
        'UNKNOWN_ENVIRONMENT',
        "there is no environment 'staging'; GET /api/environment-groups lists them",
      ),
    },
    {
      name: 'where a file stands in its way',
      request: `PUT ${environment}/freeze`,
      changes: [file('environments/staging/locks', 'a file')],
      body,
      expected: aProblem(409, 'PATH_NOT_WRITABLE', expect.stringContaining('nothing was changed')),
    },
  ])
})

// What asks within the process would tidy these paths up before they arrive.
it.each(['..', '%2E%2E', '.%2e', '.'])('no lock is made with an id that leads elsewhere: %s', async (id) => {
  const { port, head } = await listenTestServer()
  const before = await head()
  for (const path of all) {
    const request = startRequest({ port, method: 'PUT', path: `${path}/${id}`, headers: json, agent: false })
    request.end(JSON.stringify(body))
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    expect(response.statusCode).toBe(400)
    expect(JSON.parse(Buffer.concat(await response.toArray()).toString())).toMatchObject({ code: 'INVALID_NAME' })
  }
  expect(await head()).toBe(before)
})

describe('a lock decides the next prognosis', () => {
  const prognosis = '/api/environments/staging/releasetrain/prognosis'
  const causesOf = async ({ send }: TestServer) => {
    const { envsPrognoses } = (await send(`GET ${prognosis}`)).json as {
      envsPrognoses: {
        staging: { skipCause?: string; appsPrognoses?: { prognoses: Record<string, { skipCause?: string }> } }
      }
    }
    const { skipCause, appsPrognoses } = envsPrognoses.staging
    return skipCause ?? { cart: appsPrognoses?.prognoses['cart']?.skipCause }
  }

  it.each([
    [environment, 'ENV_IS_LOCKED'],
    [application, { cart: 'APP_IS_LOCKED' }],
    ['/api/environments/staging/lock/team/storefront', { cart: 'TEAM_IS_LOCKED' }],
  ])('at %s: %j', async (path, cause) => {
    const server = await createTestServer()
    expect(await causesOf(server)).toEqual({ cart: undefined })
    await server.send(`PUT ${path}/freeze`, { body })
    expect(await causesOf(server)).toEqual(cause)
    await server.send(`DELETE ${path}/freeze`)
    expect(await causesOf(server)).toEqual({ cart: undefined })
  })

  it('until it ends, and a train with it', async () => {
    let now = testTime
    const server = await createTestServer({ options: { clock: () => now } })
    const { send } = server
    await send(`PUT ${environment}/freeze`, { body: { ...body, lifetime: '2d' } })
    expect((await send(`GET ${prognosis}`)).json).toMatchObject({
      envsPrognoses: { staging: { skipCause: 'ENV_IS_LOCKED', envLocks: { freeze: { message: body.message } } } },
      validUntil: '2026-05-06T09:30:00.250Z',
    })
    now = new Date(testTime.getTime() + 2 * 24 * 3_600_000 - 1)
    expect(await causesOf(server)).toBe('ENV_IS_LOCKED')
    expect(await send('PUT /api/environments/staging/releasetrain')).toMatchObject({ hasCommitted: false })
    now = new Date(now.getTime() + 1)
    expect(await causesOf(server)).toEqual({ cart: undefined })
    expect(await send('PUT /api/environments/staging/releasetrain')).toMatchObject({ hasCommitted: true })
  })
})

describe('a lock that has ended', () => {
  const later = new Date(testTime.getTime() + 24 * 3_600_000)

  /** A server at the moment at which `old` has ended in staging, on everything there. */
  async function startAfterEnd(): Promise<TestServer> {
    let now = testTime
    const server = await createTestServer({ options: { clock: () => now } })
    for (const path of [environment, application, team]) {
      await server.send(`PUT ${path}/old`, { body: { ...body, lifetime: '1d' } })
    }
    now = later
    return server
  }

  it('is shown as ended', async () => {
    const server = await startAfterEnd()
    expect(await locksOf(server, 'old')).toMatchObject([
      { kind: 'environment', ended: true },
      { kind: 'application', ended: true },
      { kind: 'team', ended: true },
    ])
  })

  it('goes with the next commit to its environment, whoever wants that commit', async () => {
    for (const request of [
      `PUT ${environment}/new`,
      'PUT /environments/staging/applications/planned/locks/new',
      'PUT /api/environments/staging/releasetrain',
      `DELETE ${team}/acquirer-load-test`,
    ]) {
      const server = await startAfterEnd()
      const options = request.includes('/new') ? { body } : {}
      expect(await server.send(request, options)).toMatchObject({ status: 200, hasCommitted: true })
      expect(await locksOf(server, 'old')).toEqual([])
      const { text } = await server.send('GET /api/environments/staging')
      expect(text).not.toContain('"old"')
      expect(await messageOfHead(server)).toContain('Locks that had ended:\n  environments/staging/locks/old\n')
    }
  })

  it('never goes with a commit of its own, nor with one to other environments', async () => {
    const server = await startAfterEnd()
    for (const request of [
      `DELETE ${environment}/unknown`,
      `DELETE ${application}/unknown`,
      `DELETE ${team}/unknown`,
      'GET /api/environments/staging/releasetrain/prognosis',
      'GET /api/locks',
    ]) {
      expect(await server.send(request)).toMatchObject({ status: 200, hasCommitted: false })
    }
    expect(await server.send(`PUT ${group}/new`, { body })).toMatchObject({ status: 201, hasCommitted: true })
    await server.send('PUT /environments/development/releasetrain')
    await server.commit(absent('environments/sandbox/applications'))
    expect(await locksOf(server, 'old')).toHaveLength(3)
  })

  it('stays in those environments of a group that a commit leaves as they are', async () => {
    let now = testTime
    const server = await createTestServer({ options: { clock: () => now } })
    await server.send('PUT /environments/production-fr/locks/old', { body: { ...body, lifetime: '1d' } })
    now = later
    expect(await server.send(`DELETE ${group}/golden-week-freeze`, { headers: json })).toMatchObject({
      status: 200,
      hasCommitted: true,
    })
    expect(await locksOf(server, 'old')).toHaveLength(1)
  })

  it('can be put anew, and holds again', async () => {
    const server = await startAfterEnd()
    expect(await server.send(`PUT ${environment}/old`, { body })).toMatchObject({ status: 200, hasCommitted: true })
    const [only, ...others] = await locksOf(server, 'old')
    expect(others).toEqual([])
    expect(only).toMatchObject({ kind: 'environment', lock: { createdAt: '2026-05-05T09:30:00Z' } })
    expect(only).not.toHaveProperty('ended')
  })

  it('can be deleted by hand', async () => {
    const server = await startAfterEnd()
    expect(await server.send(`DELETE ${environment}/old`)).toMatchObject({ status: 200, hasCommitted: true })
    expect(await locksOf(server, 'old')).toEqual([])
  })
})
