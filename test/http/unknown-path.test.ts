import { describe, expect } from 'vitest'
import type { RequestCase } from '../support/test-server.ts'
import { aProblem, itAnswers } from '../support/test-server.ts'

const paths = [
  ['/environments', 404, 'missing environment ID'],
  ['/api/environments/', 404, 'missing environment ID'],
  ['/environment-groups?x=1', 404, 'missing group ID'],
  ['/environments/staging/locks', 404, 'missing ID for env lock'],
  [
    '/environments/staging/locks/freeze/a/b',
    404,
    "env locks does not accept additional path arguments after the lock ID, got: 'a/b'",
  ],
  ['/environments/staging/applications', 404, 'missing application ID'],
  ['/api/environments/staging/applications', 404, 'missing application ID'],
  ['/environments/staging/applications/cart/locks', 404, 'missing lock ID'],
  ['/environment-groups/production/locks', 404, 'missing lock ID'],
  ['/api/environments/staging/lock', 404, 'Missing team path'],
  ['/api/environments/staging/lock/team/', 404, 'Missing team name'],
  ['/api/environments/staging/lock/team/payments', 404, 'Missing LockID'],
  ['/environments/staging/$1', 404, "unknown function '$1'"],
  ['/api/environment-groups/production/x', 404, "unknown function 'x'"],
  ['/environment-groups/production/rollout-status', 501, 'not implemented'],
  ['/api/environments/staging/cluster', 501, expect.stringMatching(/^not implemented/) as string],
  ['/api/environments/staging/cluster/one', 501, expect.stringMatching(/^not implemented/) as string],
  ['/environments/staging/lokcs/x', 404, "unknown endpoint 'environments/staging/lokcs/x'; /docs shows what there is"],
  ['/environment', 404, "unknown endpoint 'environment'; /docs shows what there is"],
] as const

describe('a path that is almost one', () => {
  itAnswers(
    paths.flatMap(([path, status, detail]) =>
      ['GET', 'PUT', 'DELETE'].map((method): RequestCase => ({
        name: `is told what is wrong with it: ${method} ${path}`,
        request: `${method} ${path}`,
        expected: aProblem(status, status === 501 ? 'NOT_IMPLEMENTED' : 'NOT_FOUND', detail),
      })),
    ),
  )
})

describe('the delay of the repository', () => {
  itAnswers([
    {
      name: 'is always nothing',
      request: 'GET /api/process-delay',
      expected: { status: 200, text: '{"unprocessed_events":0,"delay_seconds":0}\n' },
    },
  ])
})
