import { describe, expect } from 'vitest'
import { deployment, file, link } from '../support/changes.ts'
import { aProblem, itAnswers } from '../support/test-server.ts'

const url = '/api/environments/staging/applications/search/commit'
const search = 'applications/search/releases'
const version = 'environments/staging/applications/search/version'

describe('the commit of what is deployed', () => {
  itAnswers([
    {
      name: "is Kuberpult's literal body",
      request: `GET ${url}`,
      changes: [
        deployment('staging', 'search', 1),
        file(`${search}/1/source_author`, 'Search Team <search@example.com>'),
        file(`${search}/1/source_commit_id`, 'c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00'),
        file(`${search}/1/source_message`, 'Rank\n'),
        file(`${search}/2/source_author`, 'Not this one'),
      ],
      expected: {
        status: 200,
        text:
          '{"author":"Search Team \\u003csearch@example.com\\u003e","commit_id":"c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00",' +
          '"commit_message":"Rank\\n"}',
        headers: expect.objectContaining({ 'content-type': 'application/json; charset=utf-8' }),
      },
    },
    {
      name: 'is a message, too',
      request: `GET ${url}`,
      headers: { accept: 'application/x-protobuf' },
      changes: [deployment('staging', 'search', 1), file(`${search}/1/source_author`, 'Search Team')],
      expected: { status: 200, bytes: Buffer.from('\n\u000bSearch Team') },
    },
    {
      name: 'is empty when nothing is deployed',
      request: `GET ${url}`,
      changes: [file(`${search}/1/source_author`, 'x')],
      expected: { status: 200, text: '{}' },
    },
    {
      name: 'is empty when the release does not say',
      request: `GET ${url}`,
      changes: [deployment('staging', 'search', 1), file(`${search}/1/display_version`, 'x')],
      expected: { status: 200, text: '{}' },
    },
    {
      name: 'is 503 with the reason when the link is broken',
      request: `GET ${url}`,
      changes: [file(`${search}/1/source_author`, 'x'), link(version, '../../../../applications/search/releases/2')],
      expected: aProblem(503, 'STORE_UNAVAILABLE', expect.stringContaining('names release 2, which does not exist')),
    },
    {
      name: 'is 503 with the reason when the release cannot be read',
      request: `GET ${url}`,
      changes: [
        deployment('staging', 'search', 1),
        file(`${search}/1/source_author`, 'x'),
        file(`${search}/1/created_at`, 'yesterday'),
      ],
      expected: aProblem(503, 'STORE_UNAVAILABLE', expect.stringContaining('created_at')),
    },
    {
      name: 'is 404 in an environment that does not exist',
      request: 'GET /api/environments/nowhere/applications/cart/commit',
      expected: aProblem(404, 'UNKNOWN_ENVIRONMENT', expect.stringContaining("'nowhere'")),
    },
    {
      name: 'is 404 for an application that does not exist',
      request: 'GET /api/environments/staging/applications/nothing/commit',
      expected: aProblem(404, 'UNKNOWN_APPLICATION', expect.stringContaining("'nothing'")),
    },
  ])
})
