import { describe, expect } from 'vitest'
import { actions } from '../../src/core/principal.ts'
import { itAnswers } from '../support/test-server.ts'
import { aCaller, aTokenAdmission, bearer } from '../support/token-admission.ts'

describe('who asks', () => {
  itAnswers([
    {
      name: 'is everyone, who may do everything, where nobody is asked who they are',
      request: 'GET /api/whoami',
      expected: {
        status: 200,
        json: {
          name: 'Test Author',
          email: 'deployer@example.com',
          id: 'anonymous',
          teams: ['*'],
          permissions: actions.map((action) => ({ action, environmentGroup: '*', environment: '*', application: '*' })),
        },
      },
    },
    {
      name: 'is told with what the policy allows them',
      request: 'GET /api/whoami',
      headers: bearer('x'),
      options: { admission: aTokenAdmission({ x: aCaller('release-bot', ['CreateLock']) }) },
      expected: {
        status: 200,
        headers: expect.objectContaining({ 'cache-control': 'private, no-cache', vary: 'Accept, Authorization' }),
        json: {
          name: 'release-bot',
          email: 'release-bot@example.com',
          id: 'https://issuer.example.com release-bot',
          roles: ['Developer', 'Releaser'],
          teams: ['*'],
          permissions: [{ action: 'CreateLock', environmentGroup: '*', environment: '*', application: '*' }],
        },
      },
    },
  ])
})
