import { describe, expect, it } from 'vitest'
import { absent, environmentLock } from '../support/changes.ts'
import { aPrincipal, aProblem, createTestServer, itAnswers } from '../support/test-server.ts'

const path = '/api/environments/staging/applications/cart/deployment'
const versionRule = 'must be a whole number from 0 to 2^64-1, as a number or as a string of digits'

const locked = environmentLock('staging', 'freeze')
const freeze = {
  kind: 'environment',
  environment: 'staging',
  lock: {
    lockId: 'freeze',
    message: 'freeze holds',
    createdAt: '2026-05-01T08:00:00Z',
    createdBy: { name: 'Keeper', email: 'keeper@example.com' },
  },
}

describe('a deployment by hand', () => {
  it('goes back, says from where, and changes nothing when it is asked for again', async () => {
    const { send } = await createTestServer()
    const body = { version: 2 }
    const answer = await send(`PUT ${path}`, { body })
    expect(answer).toMatchObject({ status: 200, hasCommitted: true, headers: { 'cache-control': 'no-store' } })
    const deployed = {
      environment: 'staging',
      application: 'cart',
      version: '2',
      outcome: 'deployed',
    }
    expect(answer.json).toEqual({
      ...deployed,
      fromVersion: expect.stringMatching(/^\d+$/) as string,
      commit: answer.headAfter,
    })
    const again = await send(`PUT ${path}`, { body })
    expect(again).toMatchObject({ status: 200, hasCommitted: false })
    expect(again.json).toEqual({ ...deployed, outcome: 'unchanged', fromVersion: '2' })
    expect((await send('GET /api/environments/staging')).json).toMatchObject({
      applications: expect.arrayContaining([expect.objectContaining({ name: 'cart', version: '2' })]),
    })
  })

  it.each([
    ['IGNORE', 'deployed'],
    [undefined, 'deployed'],
    ['RECORD', 'queued'],
  ])('past a lock with %s is %s', async (lockBehavior, outcome) => {
    const { send } = await createTestServer({ changes: locked })
    const answer = await send(`PUT ${path}`, { body: { version: '2', lockBehavior } })
    expect(answer).toMatchObject({ status: 200, hasCommitted: true, json: { outcome, locks: [freeze] } })
  })

  itAnswers([
    {
      name: 'fails at a lock when told to, with the lock',
      request: `PUT ${path}`,
      changes: locked,
      body: { version: 2, lockBehavior: 'FAIL' },
      expected: {
        ...aProblem(409, 'LOCKED', "'cart' is locked in environment 'staging': environment lock freeze"),
        json: expect.objectContaining({ locks: [freeze] }),
      },
    },
    {
      name: 'needs the permission',
      request: `PUT ${path}`,
      principal: aPrincipal({ denied: ['DeployRelease staging'] }),
      body: { version: 2 },
      expected: aProblem(403, 'PERMISSION_DENIED', expect.stringContaining("the action 'DeployRelease'")),
    },
    {
      name: 'is 404 in an environment that does not exist',
      request: 'PUT /api/environments/nowhere/applications/cart/deployment',
      body: { version: 2 },
      expected: aProblem(404, 'UNKNOWN_ENVIRONMENT', expect.stringContaining("'nowhere'")),
    },
    {
      name: 'is 404 for an application that does not exist',
      request: 'PUT /api/environments/staging/applications/nothing/deployment',
      body: { version: 2 },
      expected: aProblem(404, 'UNKNOWN_APPLICATION', expect.stringContaining("'nothing'")),
    },
    {
      name: 'is 404 for a release that does not exist',
      request: `PUT ${path}`,
      body: { version: '18446744073709551615' },
      expected: aProblem(404, 'UNKNOWN_RELEASE', "application 'cart' has no release 18446744073709551615"),
    },
    {
      name: 'is 400 for a release without a manifest for the environment',
      request: `PUT ${path}`,
      changes: [absent('applications/cart/releases/2/environments/staging')],
      body: { version: 2 },
      expected: aProblem(400, 'MANIFEST_MISSING', "release 2 of 'cart' has no manifest for environment 'staging'"),
    },
    {
      name: 'without a body is told what it must say',
      request: `PUT ${path}`,
      expected: aProblem(400, 'INVALID_REQUEST', 'the body must say which version, such as {"version": "7"}'),
    },
    {
      name: 'is told of all that is wrong with its body',
      request: `PUT ${path}`,
      body: { version: 'x', lockBehavior: 'ignore', force: true },
      expected: aProblem(400, 'INVALID_REQUEST', expect.any(String), [
        ['body.version', versionRule],
        ['body.lockBehavior', 'must be IGNORE, RECORD or FAIL'],
        ['body.force', 'is unknown here, where only version, lockBehavior is taken'],
      ]),
    },
  ])

  itAnswers(
    ['', 'abc', '-1', '1.0', '01', ' 1', '18446744073709551616', '9'.repeat(40), -1, 1.5, null, [1], {}].map(
      (version) => ({
        name: `of version ${JSON.stringify(version)} is refused`,
        request: `PUT ${path}`,
        body: { version },
        expected: aProblem(400, 'INVALID_REQUEST', `body.version ${versionRule}`, [['body.version', versionRule]]),
      }),
    ),
  )
})
