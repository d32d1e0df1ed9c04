import { describe, expect, it } from 'vitest'
import { environmentLock } from '../support/changes.ts'
import { aPrincipal, aProblem, createTestServer, itAnswers } from '../support/test-server.ts'

const prepare = '/api/applications/cart/undeploy-release'
const environments = ['development', 'production-de', 'production-fr', 'production-jp', 'sandbox', 'staging']

describe('an undeploy release', () => {
  it('is created once, and goes where new releases go', async () => {
    const { send } = await createTestServer()
    const answer = await send(`POST ${prepare}`)
    expect(answer).toMatchObject({ status: 201, hasCommitted: true, headers: { 'cache-control': 'no-store' } })
    expect(answer.json).toMatchObject({
      application: 'cart',
      version: '6',
      deployments: expect.arrayContaining([{ environment: 'development', fromVersion: '5' }]),
      commit: answer.headAfter,
    })
    const again = await send(`POST ${prepare}`)
    expect(again).toMatchObject({ status: 200, hasCommitted: false, json: { application: 'cart', version: '6' } })
  })

  it('waits behind a lock', async () => {
    const { send } = await createTestServer({ changes: environmentLock('development', 'freeze') })
    expect((await send(`POST ${prepare}`)).json).toMatchObject({
      deployments: expect.arrayContaining([expect.objectContaining({ environment: 'development', queued: true })]),
    })
  })

  itAnswers([
    {
      name: 'of an application that does not exist is 404',
      request: 'POST /api/applications/nothing/undeploy-release',
      expected: aProblem(404, 'UNKNOWN_APPLICATION', expect.stringContaining("'nothing'")),
    },
    {
      name: 'needs the permission',
      request: `POST ${prepare}`,
      principal: aPrincipal({ denied: ['CreateUndeploy *'] }),
      expected: aProblem(403, 'PERMISSION_DENIED', expect.stringContaining("'CreateUndeploy'")),
    },
    {
      name: 'is not created when the answer could not be read',
      request: `POST ${prepare}`,
      headers: { accept: 'text/plain' },
      expected: aProblem(406, 'NOT_ACCEPTABLE', expect.any(String)),
    },
  ])
})

describe('an application', () => {
  it('is deleted when nothing runs it any more, once', async () => {
    const { send } = await createTestServer()
    await send(`POST ${prepare}`)
    const early = await send('DELETE /api/applications/cart')
    expect(early).toMatchObject(aProblem(409, 'NOT_UNDEPLOYED', expect.stringMatching(/staging runs version \d+/)))
    for (const name of environments) await send(`DELETE /api/environments/${name}/applications/cart`)
    const answer = await send('DELETE /api/applications/cart')
    expect(answer).toMatchObject({
      status: 200,
      hasCommitted: true,
      json: { application: 'cart', commit: answer.headAfter },
    })
    expect((await send('GET /api/applications/cart')).status).toBe(404)
    const again = await send('DELETE /api/applications/cart')
    expect(again).toMatchObject(aProblem(404, 'UNKNOWN_APPLICATION', expect.any(String)))
  })

  itAnswers([
    {
      name: 'that still runs something stays, and says how to go on',
      request: 'DELETE /api/applications/cart',
      expected: aProblem(409, 'NOT_UNDEPLOYED', expect.stringContaining(`POST ${prepare} prepares it`)),
    },
    {
      name: 'stays without the permission',
      request: 'DELETE /api/applications/cart',
      principal: aPrincipal({ denied: ['DeployUndeploy *'] }),
      expected: aProblem(403, 'PERMISSION_DENIED', expect.stringContaining("'DeployUndeploy'")),
    },
    {
      name: 'that does not exist is 404',
      request: 'DELETE /api/applications/nothing',
      expected: aProblem(404, 'UNKNOWN_APPLICATION', expect.any(String)),
    },
  ])
})
