import { describe, expect, it } from 'vitest'
import { fromBinary } from '../../src/protobuf/messages.ts'
import { environmentConfigMessageType } from '../../src/protobuf/to-environment-config-message.ts'
import { absent, file } from '../support/changes.ts'
import { aProblem, createTestServer, itAnswers } from '../support/test-server.ts'

const staging = 'GET /api/environments/staging/config'

describe('the config of an environment', () => {
  itAnswers([
    {
      name: 'is told in full',
      request: staging,
      expected: {
        status: 200,
        headers: expect.objectContaining({ etag: expect.any(String), 'cache-control': 'private, no-cache' }),
        json: {
          upstream: { environment: 'development' },
          argocd: {
            destination: {
              name: 'staging-cluster',
              appProjectNamespace: '*',
              applicationNamespace: 'shop-staging',
            },
            accessList: [{ kind: 'Namespace' }],
            applicationAnnotations: {
              'notifications.argoproj.io/subscribe.on-sync-failed.webhook': 'releases-staging',
            },
            syncOptions: ['CreateNamespace=true', 'ServerSideApply=true'],
          },
        },
      },
    },
    {
      name: 'is empty where there is none',
      request: staging,
      changes: [absent('environments/staging/config.json')],
      expected: { status: 200, json: {} },
    },
    {
      name: 'is as contradictory as it is stored',
      request: staging,
      changes: [file('environments/staging/config.json', '{"upstream":{"environment":"x","latest":true}}')],
      expected: { status: 200, json: { upstream: { environment: 'x', latest: true } } },
    },
    {
      name: 'that cannot be read is a problem which says how to mend it',
      request: staging,
      changes: [file('environments/staging/config.json', '{')],
      expected: aProblem(409, 'ENVIRONMENT_UNREADABLE', expect.stringMatching(/not JSON.*POST .* replaces it/)),
    },
    {
      name: 'of none is unknown',
      request: 'GET /api/environments/nowhere/config',
      expected: aProblem(404, 'UNKNOWN_ENVIRONMENT', expect.stringContaining("'nowhere'")),
    },
  ])

  it('is told in protobuf as well', async () => {
    const { send } = await createTestServer({
      changes: [file('environments/staging/config.json', '{"argocd":{"destination":{"server":"a","namespace":""}}}')],
    })
    const { bytes } = await send(staging, { headers: { accept: 'application/x-protobuf' } })
    expect(fromBinary(environmentConfigMessageType, bytes)).toMatchObject({
      argocd: { destination: { server: 'a', namespace: '' } },
    })
  })
})
