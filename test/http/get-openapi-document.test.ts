import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { createTestServer, itAnswers } from '../support/test-server.ts'

describe('the OpenAPI document', () => {
  it('is the same as JSON and as YAML', async () => {
    const { send } = await createTestServer()
    const json = await send('GET /openapi.json')
    const yaml = await send('GET /openapi.yaml')
    expect(json).toMatchObject({ status: 200, headers: { 'content-type': 'application/json; charset=utf-8' } })
    expect(yaml).toMatchObject({ status: 200, headers: { 'content-type': 'application/yaml; charset=utf-8' } })
    expect(parse(yaml.text)).toEqual(json.json)
    expect(json.json).toMatchObject({ openapi: '3.1.0', info: { title: 'Signalbox', version: '0.0.0-test' } })
  })

  it('is what Swagger UI shows', async () => {
    const { send } = await createTestServer()
    const page = await send('GET /docs')
    expect(page).toMatchObject({ status: 200, headers: { 'content-type': expect.stringMatching(/^text\/html/) } })
    expect(page.text).toContain('<title>Signalbox</title>')
    const assets = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path = '']) => path)
    expect(assets.length).toBeGreaterThan(3)
    for (const path of assets) {
      const { pathname } = new URL(path, 'http://localhost/docs')
      expect(await send(`GET ${pathname}`)).toMatchObject({ status: 200 })
    }
    expect((await send('GET /docs/json')).json).toEqual((await send('GET /openapi.json')).json)
  })

  it('comes with files that a browser need not load again, or may load in part', async () => {
    const { send } = await createTestServer()
    const url = '/docs/static/swagger-ui.css'
    const whole = await send(`GET ${url}`)
    expect(await send(`HEAD ${url}`)).toMatchObject({
      status: 200,
      text: '',
      headers: { 'content-length': String(Buffer.byteLength(whole.text)), etag: whole.headers.etag },
    })
    const again = await send(`GET ${url}`, { headers: { 'if-none-match': whole.headers.etag ?? '' } })
    expect(again).toMatchObject({ status: 304, text: '' })
    const part = await send(`GET ${url}`, { headers: { range: 'bytes=1-9' } })
    expect(part).toMatchObject({ status: 206, text: whole.text.slice(1, 10), headers: { 'content-length': '9' } })
  })

  itAnswers([
    {
      name: 'is not beside files that do not exist',
      request: 'GET /docs/static/nothing.js',
      expected: {
        status: 404,
        json: { code: 'NOT_FOUND', detail: expect.stringMatching(/^unknown endpoint/) as string },
      },
    },
    {
      name: 'is not far from where a person looks first',
      request: 'GET /',
      expected: { status: 302, headers: expect.objectContaining({ location: '/docs' }) },
    },
    { name: 'can be asked for with HEAD', request: 'HEAD /openapi.json', expected: { status: 200, text: '' } },
    {
      name: 'cannot be written',
      request: 'PUT /openapi.yaml',
      expected: { status: 405, headers: expect.objectContaining({ allow: 'GET, HEAD, OPTIONS' }) },
    },
  ])
})
