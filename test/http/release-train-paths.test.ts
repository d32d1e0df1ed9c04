import { describe, expect, it } from 'vitest'
import { file } from '../support/changes.ts'
import { createTestServer } from '../support/test-server.ts'

/** An environment `twin`, and a group of that name with another environment in it. */
const changes = [
  file('environments/twin/config.json', '{"upstream":{"environment":"staging"}}'),
  file('environments/member/config.json', '{"upstream":{"environment":"staging"},"environmentGroup":"twin"}'),
]

describe('the path of a train', () => {
  it.each([
    ['/api/environments/staging', ['staging']],
    ['/api/environments/production', ['production-de', 'production-fr', 'production-jp']],
    ['/api/environments/twin', ['twin']],
    ['/environments/staging', ['staging']],
    ['/environments/production', ['production-de', 'production-fr', 'production-jp']],
    ['/environments/twin', ['member']],
    ['/api/environment-groups/production', ['production-de', 'production-fr', 'production-jp']],
    ['/api/environment-groups/staging', ['staging']],
    ['/api/environment-groups/twin', ['member']],
    ['/environment-groups/production', ['production-de', 'production-fr', 'production-jp']],
    ['/environment-groups/twin', ['member']],
  ])('%s leads to the same environments with both verbs', async (path, environments) => {
    const { send } = await createTestServer({ changes })
    const { json: prognosis } = await send(`GET ${path}/releasetrain/prognosis`)
    const { json: train } = await send(`PUT ${path}/releasetrain`)
    expect(Object.keys((prognosis as { envsPrognoses: object }).envsPrognoses)).toEqual(environments)
    expect(Object.keys((train as { environments: object }).environments)).toEqual(environments)
  })

  it.each([
    '/api/environment-groups/production-de',
    '/environment-groups/production-de',
    '/api/environments/nowhere',
    '/environments/nowhere',
    '/api/environment-groups/nowhere',
    '/environment-groups/nowhere',
  ])('%s leads nowhere', async (path) => {
    const { send } = await createTestServer()
    expect(await send(`GET ${path}/releasetrain/prognosis`)).toMatchObject({ status: 400, hasCommitted: false })
    expect(await send(`PUT ${path}/releasetrain`)).toMatchObject({ status: 400, hasCommitted: false })
  })

  it('may end with a slash', async () => {
    const { send } = await createTestServer()
    expect(await send('GET /api/environments/staging/releasetrain/prognosis/')).toMatchObject({ status: 200 })
    expect(await send('PUT /api/environments/staging/releasetrain/')).toMatchObject({ status: 200, hasCommitted: true })
  })

  it.each([
    'GET /environments/staging/releasetrain/forecast',
    'PUT /environments/staging/releasetrain/prognosis/more',
    'PUT //environments/staging/releasetrain',
  ])('has to be right: %s', async (request) => {
    const { send } = await createTestServer()
    const path = request.split(' ')[1] ?? ''
    expect(await send(request)).toMatchObject({
      status: 404,
      hasCommitted: false,
      json: { code: 'NOT_FOUND', detail: `unknown endpoint '${path.slice(1)}'; /docs shows what there is` },
    })
  })

  it.each(['releasetrains', 'Releasetrain'])('has to be right: %s', async (name) => {
    const { send } = await createTestServer()
    expect(await send(`PUT /environments/staging/${name}`)).toMatchObject({
      status: 404,
      hasCommitted: false,
      json: { code: 'NOT_FOUND', detail: `unknown function '${name}'` },
    })
  })
})
