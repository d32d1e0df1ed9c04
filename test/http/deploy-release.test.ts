import { describe } from 'vitest'
import { aProblem, itAnswers } from '../support/test-server.ts'

const path = '/api/environments/staging/applications/cart/deployment'
const versionRule = 'must be a whole number from 0 to 2^64-1; above 2^53 as a string'

describe('a deployment by hand', () => {
  itAnswers(
    ['', 'abc', '-1', '1.0', '01', ' 1', '18446744073709551616', '9'.repeat(40), -1, 1.5, 2 ** 53, null, [1], {}].map(
      (version) => ({
        name: `of version ${JSON.stringify(version)} is refused`,
        request: `PUT ${path}`,
        body: { version },
        expected: aProblem(400, 'INVALID_REQUEST', `body.version ${versionRule}`, [['body.version', versionRule]]),
      }),
    ),
  )
})
