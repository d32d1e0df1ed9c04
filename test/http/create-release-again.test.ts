import { expect, it } from 'vitest'
import { file } from '../support/changes.ts'
import { createTestServer } from '../support/test-server.ts'

const manifest = 'applications/search/releases/7/environments/dev/manifests.yaml'

async function createAgain(existing: string, submitted: string) {
  const { send } = await createTestServer({ changes: [file(manifest, existing)] })
  const fields = { application: 'search', version: '7', 'manifests[dev]"; filename="m': submitted }
  const parts = Object.entries(fields).map(
    ([name, content]) => `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${content}\r\n`,
  )
  const headers = { 'content-type': 'multipart/form-data; boundary=b' }
  return send('POST /api/release', { headers, body: `${parts.join('')}--b--\r\n` })
}

it.each([
  ['the same bytes, even such as would not be accepted today', 'a: [', 'a: [', 200, 'AlreadyExistsSame'],
  ['other bytes that mean the same', 'a: {b: 1}\n', 'a: { b: 1 }\n', 200, 'AlreadyExistsSame'],
  ['something else', 'a: 1\n', 'a: 2\n', 409, 'AlreadyExistsDifferent'],
  ['no YAML', 'a: 1\n', 'a: [', 400, 'is not valid YAML'],
])('a release that exists, submitted again with %s', async (_what, existing, submitted, status, text) => {
  expect(await createAgain(existing, submitted)).toMatchObject({
    status,
    text: expect.stringContaining(text) as string,
    hasCommitted: false,
  })
})
