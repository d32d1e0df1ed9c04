import { describe, expect, it } from 'vitest'
import { fromBinary } from '../../src/protobuf/messages.ts'
import { commitDeploymentsMessageType } from '../../src/protobuf/to-commit-deployments-message.ts'
import { absent, deployment, file, link } from '../support/changes.ts'
import type { RequestCase } from '../support/test-server.ts'
import { aProblem, createTestServer, itAnswers } from '../support/test-server.ts'

const commit = 'aaaaaaa1c0ffee00c0ffee00c0ffee00c0ffee00'
const url = `/api/commit-deployments/${commit}`

function release(application: string, version: number, of: string, ...environments: readonly string[]) {
  const directory = `applications/${application}/releases/${version}`
  return [
    file(`${directory}/source_commit_id`, of),
    ...environments.map((environment) => file(`${directory}/environments/${environment}/manifests.yaml`, 'x: 1')),
  ]
}

/** Nothing but environments. */
const places = ['dev', 'staging', 'live', 'qa'].map((name) => file(`environments/${name}/config.json`, '{}'))
const files = [
  ...places,
  ...release('search', 1, commit, 'qa'),
  ...release('search', 2, commit, 'dev', 'staging', 'live'),
  ...release('search', 3, 'bbbbbbb1c0ffee00c0ffee00c0ffee00c0ffee00', 'dev', 'staging', 'live'),
  ...release('feed', 4, commit, 'staging'),
  deployment('dev', 'search', 3),
  deployment('staging', 'search', 2),
  deployment('live', 'search', 1),
  deployment('qa', 'search', 1),
]

describe('where a source commit is', () => {
  const expected = {
    status: 200,
    text:
      '{"deploymentStatus":{' +
      '"feed":{"deploymentStatus":{"dev":"UNKNOWN","live":"UNKNOWN","qa":"UNKNOWN","staging":"PENDING"}},' +
      '"search":{"deploymentStatus":{"dev":"DEPLOYED","live":"PENDING","qa":"UNKNOWN","staging":"DEPLOYED"}}}}\n',
  }
  itAnswers([
    ...[commit, commit.toUpperCase(), commit.slice(0, 7)].map((name): RequestCase => ({
      name: `is said of its newest releases when it is called ${name}`,
      request: `GET /api/commit-deployments/${name}`,
      files,
      expected,
    })),
    {
      name: 'is not known where a link is broken',
      request: `GET ${url}`,
      files: [...files, link('environments/staging/applications/search/version', 'nowhere')],
      expected: {
        json: {
          deploymentStatus: {
            feed: { deploymentStatus: { staging: 'PENDING' } },
            search: { deploymentStatus: { dev: 'DEPLOYED', live: 'PENDING', qa: 'UNKNOWN', staging: 'UNKNOWN' } },
          },
        },
      },
    },
    {
      name: 'is 400 for the beginning of several',
      request: 'GET /api/commit-deployments/aaaaaaa',
      files: [...files, ...release('web', 1, `aaaaaaa2${'0'.repeat(32)}`)],
      expected: aProblem(400, 'INVALID_REQUEST', expect.stringContaining('several'), [
        ['path.commit', expect.stringContaining('more digits')],
      ]),
    },
    {
      name: 'is 404 when nothing was made from it',
      request: `GET /api/commit-deployments/${'0'.repeat(40)}`,
      expected: aProblem(404, 'UNKNOWN_COMMIT', `no release was made from commit '${'0'.repeat(40)}'`),
    },
    ...['aaaaaa', `${commit}0`, 'latest!'].map((name): RequestCase => ({
      name: `is 400 for what can be no commit: ${name}`,
      request: `GET /api/commit-deployments/${name}`,
      expected: aProblem(400, 'INVALID_REQUEST', expect.stringMatching(/^path\.commit must be the id/)),
    })),
    ...['', '/'].map((end): RequestCase => ({
      name: `is 400 in Kuberpult's words without a commit: ${end}`,
      request: `GET /api/commit-deployments${end}`,
      expected: aProblem(400, 'INVALID_REQUEST', 'missing commit hash'),
    })),
  ])

  it('can be had in binary', async () => {
    const { send } = await createTestServer({ files })
    const { bytes } = await send(`GET ${url}`, { headers: { accept: 'application/x-protobuf' } })
    expect(fromBinary(commitDeploymentsMessageType, bytes)).toMatchObject({
      deploymentStatus: { search: { deploymentStatus: { dev: 2, live: 1, qa: 0, staging: 2 } } },
    })
  })

  it('follows what happens', async () => {
    const { send, commit: change } = await createTestServer({ files })
    const { headers } = await send(`GET ${url}`)
    await change(deployment('live', 'search', 2), ...release('web', 1, commit, 'dev'), absent('applications/feed'))
    const changed = await send(`GET ${url}`, { headers: { 'if-none-match': headers['etag'] ?? '' } })
    expect(changed).toMatchObject({
      status: 200,
      json: {
        deploymentStatus: {
          search: { deploymentStatus: { live: 'DEPLOYED' } },
          web: { deploymentStatus: { dev: 'PENDING' } },
        },
      },
    })
    expect(changed.text).not.toContain('feed')
  })
})
