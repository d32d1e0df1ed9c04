import { fastify } from 'fastify'
import { describe, expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import { registerBodyParser } from '../../src/http/body-parser.ts'
import { registerEndpoint } from '../../src/http/endpoint.ts'
import { RequestError } from '../../src/http/problem.ts'

/** An endpoint that answers with what it was given, or with what is wrong with it. */
function createApp() {
  const app = fastify({ exposeHeadRoutes: false })
  onTestFinished(() => app.close())
  app.setValidatorCompiler(() => () => true)
  app.setSerializerCompiler(() => (value) => JSON.stringify(value))
  app.addSchema({ $id: 'Problem' })
  app.setErrorHandler((error, _request, reply) =>
    error instanceof RequestError
      ? reply.code(400).send({ code: error.code, detail: error.message, errors: error.errors })
      : reply.code(500).send(String(error)),
  )
  registerBodyParser(app)
  registerEndpoint(app, {
    method: 'PUT',
    url: '/things/:size',
    operationId: 'putThing',
    access: 'public',
    tag: 'Operations',
    summary: 'Put a thing',
    params: z.strictObject({ size: z.coerce.number({ error: 'must be a number' }) }),
    query: z.strictObject({
      colour: z.enum(['red', 'green'], { error: 'must be red or green' }).default('red'),
      name: z.string().min(2, 'must have two letters').optional(),
    }),
    body: z.strictObject({ parts: z.array(z.strictObject({ weight: z.number() })), note: z.string().optional() }),
    forms: [{ mediaType: 'application/json' }, { mediaType: 'text/plain' }],
    responses: { 200: { description: 'Done.' } },
    handle: async ({ params, query, body, form }, reply) => reply.send({ params, query, body, form: form.mediaType }),
  })
  return async (url: string, body: string | undefined, accept = '*/*') => {
    const headers = { accept }
    const response = await app.inject({ method: 'PUT', url, headers, ...(body !== undefined && { payload: body }) })
    return response.json<unknown>()
  }
}

const body = '{"parts":[{"weight":1},{"weight":2}]}'

describe('an endpoint', () => {
  it('is given its input as its schemas make it, and the form to answer in', async () => {
    const put = createApp()
    expect(await put('/things/7?name=ab', body, 'text/*')).toEqual({
      params: { size: 7 },
      query: { colour: 'red', name: 'ab' },
      body: { parts: [{ weight: 1 }, { weight: 2 }] },
      form: 'text/plain',
    })
  })

  it('is given no body when there is none', async () => {
    const put = createApp()
    expect(await put('/things/7?colour=green', undefined)).toEqual({
      params: { size: 7 },
      query: { colour: 'green' },
      form: 'application/json',
    })
  })

  it('tells all that is wrong at once, with its place, in the order of path, query and body', async () => {
    const put = createApp()
    const wrong = '{"parts":[{"weight":1},{"weight":"2"},{"weight":3,"height":4}],"note":5,"more":6}'
    const errors = [
      { path: 'path.size', message: 'must be a number' },
      { path: 'query.colour', message: 'must be red or green' },
      { path: 'query.name', message: 'must have two letters' },
      { path: 'query.form', message: 'is unknown here, where only colour, name is taken' },
      { path: 'body.parts.1.weight', message: 'must be a number' },
      { path: 'body.parts.2.height', message: 'is unknown here' },
      { path: 'body.note', message: 'must be a string' },
      { path: 'body.more', message: 'is unknown here, where only parts, note is taken' },
    ]
    expect(await put('/things/big?colour=blue&name=a&form=round', wrong)).toEqual({
      code: 'INVALID_REQUEST',
      detail: errors.map(({ path, message }) => `${path} ${message}`).join('; '),
      errors,
    })
  })

  it.each([
    ['a parameter that is given twice', '/things/7?name=ab&name=cd', body, 'query.name', 'must be given at most once'],
    ['a body without what is needed', '/things/7', '{}', 'body.parts', 'is missing'],
    ['something of another kind', '/things/7', '{"parts":{}}', 'body.parts', 'must be an array'],
    ['a body of another kind', '/things/7', '[]', 'body', 'must be an object'],
    ['a prototype in the query', '/things/7?__proto__=x', body, 'query.__proto__', /^is unknown here/],
    ['a prototype in the body', '/things/7', '{"parts":[],"__proto__":{}}', 'body.__proto__', /^is unknown here/],
    ['brackets, which mean nothing', '/things/7?name[]=ab', body, 'query.name[]', /^is unknown here/],
  ])('tells what is wrong: %s', async (_what, url, wrong, path, message) => {
    const put = createApp()
    expect(await put(url, wrong)).toMatchObject({ errors: [{ path, message: expect.stringMatching(message) }] })
  })

  it('is not asked for a form that it does not have, whatever else is wrong', async () => {
    const put = createApp()
    expect(await put('/things/big', '{', 'image/png')).toEqual({
      code: 'NOT_ACCEPTABLE',
      detail: 'nothing that the Accept header names can be given; there is: application/json, text/plain',
      errors: [],
    })
  })
})
