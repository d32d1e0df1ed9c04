import { describe } from 'vitest'
import { itAnswers } from '../support/test-server.ts'
import { aTokenAdmission } from '../support/token-admission.ts'

const terminalSignIn = { issuer: 'https://dex.example.com/dex', clientId: 'cli', scopes: ['openid', 'groups'] }

describe('how to sign in', () => {
  itAnswers([
    {
      name: 'is not at all, where nobody is asked who they are',
      request: 'GET /api/sign-in',
      expected: { status: 200, json: { mode: 'none' } },
    },
    {
      name: 'is told to whoever asks',
      request: 'GET /api/sign-in',
      options: { admission: { ...aTokenAdmission({}), terminalSignIn } },
      expected: { status: 200, json: { mode: 'oidc', ...terminalSignIn } },
    },
    {
      name: 'is not for the terminal where it has no client',
      request: 'GET /api/sign-in',
      options: { admission: { ...aTokenAdmission({}), terminalSignIn: { ...terminalSignIn, clientId: undefined } } },
      expected: { status: 200, json: { mode: 'oidc', issuer: terminalSignIn.issuer, scopes: terminalSignIn.scopes } },
    },
  ])
})
