import { describe, expect, it } from 'vitest'
import { link } from '../support/changes.ts'
import { aPrincipal, aProblem, createTestServer, itAnswers } from '../support/test-server.ts'

const path = '/api/environments/staging/applications/cart'

describe('an application', () => {
  it('is taken out of an environment, in one commit, and then is not there', async () => {
    const { send } = await createTestServer()
    const answer = await send(`DELETE ${path}`)
    expect(answer).toMatchObject({ status: 200, hasCommitted: true, headers: { 'cache-control': 'no-store' } })
    expect(answer.json).toEqual({
      environment: 'staging',
      application: 'cart',
      fromVersion: expect.stringMatching(/^\d+$/) as string,
      commit: answer.headAfter,
    })
    const { applications } = (await send('GET /api/environments/staging')).json as { applications: { name: string }[] }
    expect(applications.map(({ name }) => name)).not.toContain('cart')
    expect((await send('GET /api/applications/cart')).status).toBe(200)
    const again = await send(`DELETE ${path}`)
    expect(again).toMatchObject({ status: 200, hasCommitted: false })
    expect(again.json).toEqual({ environment: 'staging', application: 'cart' })
  })

  itAnswers([
    {
      name: 'whose link is broken is taken out, too',
      request: `DELETE ${path}`,
      changes: [link('environments/staging/applications/cart/version', '../nowhere')],
      expected: { status: 200, hasCommitted: true },
    },
    {
      name: 'that nobody knows is 404',
      request: 'DELETE /api/environments/staging/applications/nothing',
      expected: aProblem(404, 'UNKNOWN_APPLICATION', expect.stringContaining("'nothing'")),
    },
    {
      name: 'in an environment that does not exist is 404',
      request: 'DELETE /api/environments/nowhere/applications/cart',
      expected: aProblem(404, 'UNKNOWN_ENVIRONMENT', expect.stringContaining("'nowhere'")),
    },
    {
      name: 'stays without the permission',
      request: `DELETE ${path}`,
      principal: aPrincipal({ denied: ['DeleteEnvironmentApplication staging'] }),
      expected: aProblem(403, 'PERMISSION_DENIED', expect.stringContaining("'DeleteEnvironmentApplication'")),
    },
    {
      name: 'stays when the request has parameters that mean nothing',
      request: `DELETE ${path}?dryrun=true`,
      expected: aProblem(400, 'INVALID_REQUEST', 'query.dryrun is unknown here, where nothing is taken'),
    },
  ])
})
