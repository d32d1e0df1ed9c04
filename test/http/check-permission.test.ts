import { describe, expect } from 'vitest'
import { actions } from '../../src/core/principal.ts'
import { aProblem, itAnswers } from '../support/test-server.ts'
import { aCaller, aTokenAdmission, bearer } from '../support/token-admission.ts'

const path = 'GET /api/whoami/permissions'
const admission = aTokenAdmission({ x: aCaller('release-bot', ['CreateLock']) })
const asSomebody = { headers: bearer('x'), options: { admission } }

describe('whether somebody may do something', () => {
  itAnswers([
    {
      name: 'is yes, with a reason',
      request: `${path}/CreateLock/staging`,
      ...asSomebody,
      expected: {
        status: 200,
        headers: expect.objectContaining({ 'cache-control': 'private, no-cache', vary: 'Accept, Authorization' }),
        json: { action: 'CreateLock', environment: 'staging', allowed: true, reason: expect.stringMatching(/./) },
      },
    },
    {
      name: 'is no, in the words of a refusal',
      request: `${path}/DeployRelease/staging?application=cart`,
      ...asSomebody,
      expected: {
        status: 200,
        json: {
          action: 'DeployRelease',
          environment: 'staging',
          application: 'cart',
          allowed: false,
          reason:
            "PermissionDenied The user 'release-bot' is not allowed to perform the action 'DeployRelease' on environment 'staging'",
        },
      },
    },
    {
      name: 'is yes for everybody where nobody is asked who they are',
      request: `${path}/DeleteEnvironment/staging`,
      expected: { status: 200, json: expect.objectContaining({ allowed: true }) },
    },
    {
      name: 'is asked by those who are known',
      request: `${path}/CreateLock/staging`,
      options: { admission },
      expected: aProblem(401, 'UNAUTHENTICATED', expect.any(String)),
    },
    {
      name: 'is about an action that there is',
      request: `${path}/deploy/staging`,
      expected: aProblem(400, 'INVALID_REQUEST', expect.any(String), [
        ['path.action', `must be one of ${actions.join(', ')}`],
      ]),
    },
    {
      name: 'can be about a lock on a team',
      request: `${path}/CreateLock/staging?team=storefront`,
      ...asSomebody,
      expected: { status: 200, json: expect.objectContaining({ team: 'storefront', allowed: true }) },
    },
    {
      name: 'is about a team that there is',
      request: `${path}/CreateLock/staging?team=nobody`,
      ...asSomebody,
      expected: aProblem(404, 'UNKNOWN_TEAM', expect.any(String)),
    },
    ...['CreateLock/staging?application=cart', 'DeployRelease/staging?application=cart', 'CreateRelease/staging?x'].map(
      (question) => ({
        name: `is not about a team with ${question}`,
        request: `${path}/${question.replace('?x', '?')}&team=storefront`.replace('?&', '?'),
        ...asSomebody,
        expected: aProblem(400, 'INVALID_REQUEST', 'a team means nothing for that', [
          ['query.team', expect.any(String)],
        ]),
      }),
    ),
    {
      name: 'is about an environment that there is',
      request: `${path}/DeployRelease/nowhere`,
      expected: aProblem(404, 'UNKNOWN_ENVIRONMENT', expect.stringContaining("there is no environment 'nowhere'")),
    },
    {
      name: 'is about an application that there is',
      request: `${path}/DeployRelease/staging?application=nothing`,
      expected: aProblem(404, 'UNKNOWN_APPLICATION', expect.any(String)),
    },
  ])
})
