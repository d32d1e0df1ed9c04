import { describe, expect, it } from 'vitest'
import { createTestServer } from '../support/test-server.ts'

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

describe('X-Request-Id', () => {
  it.each(['pipeline-4711', 'a', 'A.b_c-9', 'x'.repeat(64)])('is kept when it is safe: %s', async (id) => {
    const { send } = await createTestServer()
    expect((await send('GET /healthz', { headers: { 'x-request-id': id } })).headers['x-request-id']).toBe(id)
  })

  it.each(['', ' ', 'x'.repeat(65), 'a b', 'a,b', 'a"b', 'a:b', 'ä', '../..', 'a\tb', '<script>'])(
    'is replaced when it is not: %j',
    async (id) => {
      const { send } = await createTestServer()
      expect((await send('GET /healthz', { headers: { 'x-request-id': id } })).headers['x-request-id']).toMatch(uuid)
    },
  )

  it('is made up when there is none, another one for each request', async () => {
    const { send } = await createTestServer()
    const ids = await Promise.all([1, 2, 3].map(async () => (await send('GET /healthz')).headers['x-request-id']))
    expect(new Set(ids).size).toBe(3)
    for (const id of ids) expect(id).toMatch(uuid)
  })

  it.each(['GET /nowhere', 'POST /healthz', 'OPTIONS /healthz', 'GET /api/environments/%zz', 'GET /docs', 'GET /'])(
    'is in every answer and its log line: %s',
    async (request) => {
      const { send, log } = await createTestServer()
      const { headers, status } = await send(request, { headers: { 'x-request-id': 'one' } })
      expect(headers).toMatchObject({ 'x-request-id': 'one', 'x-content-type-options': 'nosniff' })
      const [method, url] = request.split(' ')
      expect(log).toContainEqual(
        expect.objectContaining({ reqId: 'one', method, url, status, msg: `${request} ${status}` }),
      )
    },
  )
})
