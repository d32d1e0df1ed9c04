import { describe, expect, it } from 'vitest'
import { environmentLock, file } from '../support/changes.ts'
import { aPrincipal, aProblem, createTestServer, itAnswers } from '../support/test-server.ts'
import { writeSettings } from '../support/write-settings.ts'

const argoCd = { repositoryUrl: 'git@example.com:shop/manifests.git', branch: 'main' }
const production = 'DELETE /api/environments/production-de'

describe('deleting an environment', () => {
  it('takes it away with all that is in it, locks included, and leaves releases alone', async () => {
    const { send } = await createTestServer({
      changes: [
        ...environmentLock('production-de', 'freeze'),
        file('argocd/v1alpha1/production-de.yaml', 'x'),
        file('argocd/v1alpha1/eu-production-de-a.yaml', 'x'),
      ],
      options: { settings: writeSettings({ argoCd }) },
    })
    const cart = (await send('GET /api/applications/cart')).json as { releases: { environments: string[] }[] }
    const dry = await send(`${production}?dryrun=true`)
    expect(dry).toMatchObject({ status: 200, hasCommitted: false, json: { dryrun: true } })

    const answer = await send(production)
    expect(answer).toMatchObject({ status: 200, hasCommitted: true })
    expect(answer.json).toEqual({
      environment: 'production-de',
      commit: answer.headAfter,
      warnings: [
        expect.stringMatching(/^what is deployed there goes with it: cart, /),
        'locks that hold there go with it: freeze',
        'argocd/v1alpha1/eu-production-de-a.yaml may be left from a former config of it: nothing here takes it away',
      ],
    })
    expect(dry.json).toMatchObject({ warnings: (answer.json as { warnings: string[] }).warnings })
    expect(await send('GET /api/environments/production-de')).toMatchObject({ status: 404 })
    const { releases } = (await send('GET /api/applications/cart')).json as typeof cart
    expect(releases).toEqual(
      cart.releases.map((release) => ({ ...release, ...(without(release, 'production-de') as object) })),
    )
    expect(await send(production)).toMatchObject(aProblem(404, 'UNKNOWN_ENVIRONMENT', expect.any(String)))
  })

  itAnswers([
    {
      name: 'is refused where another one takes its versions from it',
      request: 'DELETE /api/environments/development',
      expected: aProblem(404, 'ENVIRONMENT_IN_USE', expect.stringContaining("is upstream from 'staging'")),
    },
    {
      name: 'is refused to somebody who may not delete what is deployed there',
      request: production,
      principal: aPrincipal({ denied: ['DeleteEnvironmentApplication production-de'] }),
      expected: aProblem(403, 'PERMISSION_DENIED', expect.stringContaining("'DeleteEnvironmentApplication'")),
    },
    {
      name: 'is refused with a parameter that nobody knows, or that is neither true nor false',
      request: `${production}?dryrun=yes&dry=1`,
      expected: aProblem(400, 'INVALID_REQUEST', expect.any(String), [
        ['query.dryrun', 'must be true or false'],
        ['query.dry', expect.stringContaining('is unknown here')],
      ]),
    },
  ])
})

/** `deployedIn` without the environment; absent when nothing is left of it. */
function without(release: object, environment: string): unknown {
  const { deployedIn } = release as { deployedIn?: string[] }
  const rest = deployedIn?.filter((name) => name !== environment) ?? []
  return { deployedIn: rest.length === 0 ? undefined : rest }
}
