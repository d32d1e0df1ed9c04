import { describe, expect, it } from 'vitest'
import { parseCommit } from '../../src/manifest-store/git/commit.ts'
import { absent, deployment, environmentLock, file, link } from '../support/changes.ts'
import type { TestServer } from '../support/test-server.ts'
import { aPrincipal, aProblem, createTestServer, itAnswers } from '../support/test-server.ts'

const json = { 'content-type': 'application/json' }
const environment = '/environments/production-jp/locks/golden-week-freeze'
const application = '/environments/staging/applications/web/locks/visual-regression'
const team = '/api/environments/staging/lock/team/payments/acquirer-load-test'
const group = '/environment-groups/production/locks/golden-week-freeze'
const all = [environment, application, team, group]

async function locksIn({ send }: TestServer): Promise<readonly string[]> {
  const { locks } = (await send('GET /api/locks')).json as { locks: { lock: { lockId: string } }[] }
  return locks.map(({ lock }) => lock.lockId)
}

describe('a lock', () => {
  it.each(all)('can be deleted at %s', async (path) => {
    const server = await createTestServer()
    const id = path.split('/').at(-1) ?? ''
    expect(await locksIn(server)).toContain(id)
    const answer = await server.send(`DELETE ${path}`, { headers: json })
    expect(answer).toMatchObject({
      status: 200,
      text: path === group ? '{"Result":null}' : '',
      hasCommitted: true,
      headers: { 'cache-control': 'no-store' },
    })
    expect(answer.headers['content-type']).toBe(path === group ? 'application/json; charset=utf-8' : undefined)
    expect(await locksIn(server)).not.toContain(id)
  })

  it.each([environment, application, team])('can be deleted without a Content-Type at %s', async (path) => {
    const { send } = await createTestServer()
    expect(await send(`DELETE ${path}`)).toMatchObject({ status: 200, hasCommitted: true })
  })

  it('is unlocked in the words of its commit', async () => {
    const { send, repository, head } = await createTestServer()
    await send(`DELETE ${team}`, { headers: { 'x-request-id': 'mine' } })
    expect(parseCommit((await repository.read((await head()) ?? '')).data).message).toBe(
      [
        'Unlock team payments in staging: acquirer-load-test',
        '',
        'Signalbox-Command: delete-lock',
        'Signalbox-Target: team payments in staging',
        'Signalbox-Principal: Test Author <deployer@example.com>',
        'Signalbox-Request: mine',
        '',
      ].join('\n'),
    )
  })

  it.each(all)('leaves all others as they are: %s', async (path) => {
    const server = await createTestServer()
    const before = await locksIn(server)
    await server.send(`DELETE ${path}`, { headers: json })
    const id = path.split('/').at(-1)
    expect(await locksIn(server)).toEqual(before.filter((one) => one !== id))
  })

  itAnswers([
    ...all.flatMap((path) => [
      {
        name: `that does not exist is as good as deleted: ${path}`,
        request: `DELETE ${path}-2`,
        headers: json,
        expected: { status: 200, text: path === group ? '{"Result":null}' : '' },
      },
      {
        name: `may be deleted with whatever body: ${path}`,
        request: `DELETE ${path}-2`,
        headers: json,
        body: '-----BEGIN PGP SIGNATURE-----',
        expected: { status: 200 },
      },
      {
        name: `stays without the permission: ${path}`,
        request: `DELETE ${path}`,
        headers: json,
        principal: aPrincipal({ denied: ['DeleteLock staging', 'DeleteLock production-jp'] }),
        expected: aProblem(
          403,
          'PERMISSION_DENIED',
          expect.stringMatching(
            /^PermissionDenied The user 'Keeper' is not allowed to perform the action 'DeleteLock' on environment '/,
          ),
        ),
      },
      {
        name: `of an invalid id is refused: ${path}`,
        request: `DELETE ${path.slice(0, path.lastIndexOf('/'))}/%2E%2E%2Fx`,
        headers: json,
        expected: aProblem(
          400,
          'INVALID_NAME',
          expect.stringMatching(/^cannot delete .* lock: invalid lock id: '..\/x'$/),
          [['lockId', expect.any(String)]],
        ),
      },
    ]),
    {
      name: 'of a group stays when the request is not said to be JSON',
      request: `DELETE ${group}`,
      expected: aProblem(415, 'UNSUPPORTED_MEDIA_TYPE', "body must be application/json, got: ''"),
    },
    {
      name: 'of a group goes when the request says its charset too',
      request: `DELETE ${group}`,
      headers: { 'content-type': 'application/json; charset=utf-8' },
      expected: { status: 200, hasCommitted: true },
    },
    {
      name: 'of an unknown team is as good as deleted',
      request: 'DELETE /api/environments/staging/lock/team/nobody/freeze',
      expected: { status: 200, text: '' },
    },
    {
      name: 'of an unknown application is as good as deleted',
      request: 'DELETE /environments/staging/applications/nothing/locks/freeze',
      expected: { status: 200, text: '' },
    },
    ...['/environments/nowhere/locks', '/environments/nowhere/applications/cart/locks'].map((path) => ({
      name: `cannot be in an environment that does not exist: ${path}`,
      request: `DELETE ${path}/freeze`,
      expected: aProblem(
        404,
        'UNKNOWN_ENVIRONMENT',
        "there is no environment 'nowhere'; GET /api/environment-groups lists them",
      ),
    })),
    {
      name: 'cannot be of a group that does not exist',
      request: 'DELETE /environment-groups/nothing/locks/freeze',
      headers: json,
      expected: aProblem(400, 'UNKNOWN_GROUP', "error: no environment found with given group 'nothing'"),
    },
    {
      name: 'that cannot be read goes all the same',
      request: 'DELETE /environments/staging/locks/freeze',
      changes: [file('environments/staging/locks/freeze', 'an old lock')],
      expected: { status: 200, hasCommitted: true },
    },
  ])
})

describe('a queued version that has been deployed since', () => {
  const queued = (name: string, version: number) =>
    link(
      `environments/staging/applications/${name}/queued_version`,
      `../../../../applications/${name}/releases/${version}`,
    )
  const changes = [
    deployment('staging', 'cart', 4),
    queued('cart', 4),
    deployment('staging', 'web', 3),
    queued('web', 3),
    deployment('staging', 'shipping', 2),
    queued('shipping', 3),
    ...environmentLock('staging', 'freeze'),
  ]

  async function queuedIn({ send }: TestServer): Promise<readonly string[]> {
    const { applications } = (await send('GET /api/environments/staging')).json as {
      applications: { name: string; queuedVersion?: string }[]
    }
    return applications.flatMap(({ name, queuedVersion }) => (queuedVersion ? [`${name} ${queuedVersion}`] : []))
  }

  it.each([
    ['everywhere when the environment is unlocked', '/environments/staging/locks/freeze', ['shipping 3']],
    ['for the one application that is unlocked', application, ['cart 4', 'shipping 3']],
    ['not when a team is unlocked', team, ['cart 4', 'shipping 3', 'web 3']],
    ['not when there was no such lock', '/environments/staging/locks/other', ['cart 4', 'shipping 3', 'web 3']],
  ])('is forgotten, but nothing is deployed: %s', async (_name, path, expected) => {
    const server = await createTestServer({ changes })
    const deployed = async () =>
      (
        (await server.send('GET /api/environments/staging')).json as { applications: { version?: string }[] }
      ).applications.map(({ version }) => version)
    const before = await deployed()
    expect(await server.send(`DELETE ${path}`)).toMatchObject({ status: 200 })
    expect(await queuedIn(server)).toEqual(expected)
    expect(await deployed()).toEqual(before)
  })

  it('is forgotten in each environment of a group', async () => {
    const server = await createTestServer({
      changes: [
        absent('environments/staging/config.json'),
        file('environments/staging/config.json', '{"environmentGroup":"tests"}'),
        ...changes,
      ],
    })
    await server.send('DELETE /environment-groups/tests/locks/freeze', { headers: json })
    expect(await queuedIn(server)).toEqual(['shipping 3'])
  })
})
