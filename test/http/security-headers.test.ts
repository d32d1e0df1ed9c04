import { describe, expect, it } from 'vitest'
import { createTestServer } from '../support/test-server.ts'

const everywhere = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'permissions-policy': expect.stringContaining('camera=()') as string,
}

describe('every answer', () => {
  it.each([
    'GET /api/locks',
    'GET /healthz',
    'GET /nothing',
    'POST /api/locks',
    'OPTIONS /api/locks',
    'GET /api/environments/nowhere',
    'GET /openapi.yaml',
    `GET /api/locks?${'x'.repeat(5000)}`,
  ])('tells browsers that it is no page: %s', async (line) => {
    const { send } = await createTestServer()
    const { headers } = await send(line)
    expect(headers).toMatchObject({
      ...everywhere,
      'content-security-policy': "default-src 'none';frame-ancestors 'none';base-uri 'none';form-action 'none'",
    })
    expect(headers).not.toHaveProperty('strict-transport-security')
  })

  it.each([
    ['https://signalbox.example.com', 'max-age=15552000'],
    ['http://signalbox.example.com', undefined],
  ])('insists on TLS only where that is what browsers see: %s', async (publicUrl, expected) => {
    const { send } = await createTestServer({ options: { publicUrl } })
    expect((await send('GET /api/locks')).headers['strict-transport-security']).toBe(expected)
  })
})

describe('Swagger UI', () => {
  it('may load its own files, and run no script that stands in a page', async () => {
    const { send } = await createTestServer()
    for (const path of ['/docs', '/docs/', '/docs/static/oauth2-redirect.html']) {
      const { headers } = await send(`GET ${path}`)
      expect(headers).toMatchObject(everywhere)
      const policy = headers['content-security-policy'] ?? ''
      expect(policy).toContain("default-src 'none'; script-src 'self';")
      expect(policy).toContain("connect-src 'self';")
    }
    expect((await send('GET /docs')).text).not.toMatch(/<script>|<script [^>]*>[^<\s]|\son\w+=/)
  })
})
