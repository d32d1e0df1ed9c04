import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { negotiate } from '../../src/http/negotiate.ts'
import { releaseTrainForms } from '../../src/http/release-train-representation.ts'
import { messageForms } from '../../src/http/send-message.ts'
import { aProblem, createTestServer, itAnswers } from '../support/test-server.ts'

const forms = releaseTrainForms('proto')

/** The form that was picked, as `text/plain` or `application/vnd.kuberpult+json number`. */
function pick(accept: string | undefined, offers = forms): string | undefined {
  const form = negotiate(accept, offers)
  return form && [form.mediaType, form.deployedVersion].filter((part) => part !== undefined).join(' ')
}

const kuberpult = 'application/vnd.kuberpult+json'

describe('the form of an answer', () => {
  it.each([
    [undefined, 'application/json'],
    ['', 'application/json'],
    ['*/*', 'application/json'],
    ['application/json', 'application/json'],
    ['application/x-protobuf', 'application/x-protobuf'],
    [kuberpult, `${kuberpult} object`],
    ['text/plain', 'text/plain'],
    ['text/markdown', 'text/markdown'],
  ])('for Accept %s is %s', (accept, expected) => {
    expect(pick(accept)).toBe(expected)
  })

  it.each([
    ['Kuberpult versions as numbers', `${kuberpult};deployed-version=number`, `${kuberpult} number`],
    ['Kuberpult versions as objects', `${kuberpult};deployed-version=object`, `${kuberpult} object`],
    ['a quoted parameter', `${kuberpult}; deployed-version="number"`, `${kuberpult} number`],
    ['any case', `Application/VND.Kuberpult+JSON; Deployed-Version=Number`, `${kuberpult} number`],
    ['a parameter that means nothing', 'application/json; charset=utf-8; version=2', 'application/json'],
    ['an unknown type beside a known one', 'application/pdf, text/plain', 'text/plain'],
    ['any text', 'text/*', 'text/plain'],
    ['any application', 'application/*', 'application/json'],
    ['a browser', 'text/html, application/xhtml+xml, application/xml;q=0.9, */*;q=0.8', 'application/json'],
    ['an old Java client', 'text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2', 'application/json'],
  ])('may be asked for by %s', (_what, accept, expected) => {
    expect(pick(accept)).toBe(expected)
  })

  it.each([
    [
      'the best wins, wherever it stands',
      'text/markdown;q=0.1, text/plain;q=0.5, application/json;q=0.2',
      'text/plain',
    ],
    ['without a quality it is 1', 'text/plain;q=0.9, text/markdown', 'text/markdown'],
    ['equals are settled by what is offered first', 'text/markdown, text/plain', 'text/plain'],
    ['the more specific range decides', 'text/plain;q=0.5, text/*;q=0.9', 'text/markdown'],
    ['0 excludes', 'application/json;q=0, */*;q=0.1', 'application/x-protobuf'],
    ['0 excludes a whole type', 'application/*;q=0, */*', 'text/plain'],
    [
      '0 excludes one version of a form',
      `${kuberpult};deployed-version=object;q=0, ${kuberpult}`,
      `${kuberpult} number`,
    ],
    ['more than three digits are a number, too', 'text/plain;q=0.12345, application/json;q=0.1', 'text/plain'],
    ['so is one that begins with its dot', 'application/json;q=.2, text/plain;q=.9', 'text/plain'],
    ['what is no number counts as 1', 'application/json;q=0.9, text/plain;q=high', 'text/plain'],
    ['there is nothing above 1', 'application/json;q=1, text/plain;q=7', 'application/json'],
  ])('follows the qualities: %s', (_rule, accept, expected) => {
    expect(pick(accept)).toBe(expected)
  })

  it.each([
    'image/png',
    'text/html',
    'application/json;q=0',
    '*/*;q=0',
    '*',
    'json',
    ',,,',
    'text/plain/json',
    `${kuberpult};deployed-version=string`,
    'application/json;deployed-version=number',
  ])('does not exist for Accept %s', (accept) => {
    expect(pick(accept)).toBeUndefined()
  })

  it('is one of those offered, whatever Accept says', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        '*',
        '/',
        ',',
        ';',
        'q=',
        '=',
        '"',
        '0',
        '1',
        '.',
        ' ',
        '\t',
        'text',
        'plain',
        'application/json',
      ),
      fc.string({ unit: 'binary', maxLength: 3 }),
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        expect([undefined, ...messageForms]).toContain(negotiate(pieces.join(''), messageForms))
      }),
    )
  })

  it('does not depend on the order of the ranges', () => {
    const range = fc.tuple(
      fc.constantFrom('*/*', 'text/*', 'application/*', 'text/plain', 'application/json', kuberpult, 'image/png'),
      fc.constantFrom('0', '0.1', '0.5', '0.9', '1'),
    )
    const accept = fc.uniqueArray(range, { selector: ([type]) => type, minLength: 1, maxLength: 7 })
    fc.assert(
      fc.property(accept, (ranges) => {
        const texts = ranges.map(([type, quality]) => `${type};q=${quality}`)
        expect(pick(texts.toReversed().join(','))).toBe(pick(texts.join(',')))
      }),
    )
  })
})

describe('the form of an answer where Kuberpult is the default', () => {
  it.each([
    [undefined, `${kuberpult} object`],
    ['*/*', `${kuberpult} object`],
    ['application/*', `${kuberpult} object`],
    ['text/html, */*;q=0.1', `${kuberpult} object`],
    [`${kuberpult};deployed-version=number`, `${kuberpult} number`],
    ['application/json', 'application/json'],
    ['application/json, text/plain, */*', `${kuberpult} object`],
    ['application/json, */*;q=0.9', 'application/json'],
    ['text/*', 'text/plain'],
  ])('for Accept %s is %s', (accept, expected) => {
    expect(pick(accept, releaseTrainForms('kuberpult'))).toBe(expected)
  })
})

const staging = '/api/environments/staging/releasetrain'

describe('an Accept header that nothing fits', () => {
  itAnswers([
    {
      name: 'is answered with what there is',
      request: `GET ${staging}/prognosis`,
      headers: { accept: 'image/png' },
      expected: aProblem(
        406,
        'NOT_ACCEPTABLE',
        'nothing that the Accept header names can be given; there is: application/json, application/x-protobuf, ' +
          'text/plain, text/markdown, application/vnd.kuberpult+json',
      ),
    },
    {
      name: 'keeps a train from running',
      request: `PUT ${staging}`,
      headers: { accept: 'image/png' },
      expected: aProblem(406, 'NOT_ACCEPTABLE', expect.any(String)),
    },
    {
      name: "is any but two on an endpoint that has no text: Kuberpult's JSON, for one",
      request: 'GET /api/applications',
      headers: { accept: kuberpult },
      expected: aProblem(
        406,
        'NOT_ACCEPTABLE',
        'nothing that the Accept header names can be given; there is: application/json, application/x-protobuf',
      ),
    },
  ])

  it('may be 10 KB long, and one that something fits may, too', async () => {
    const { send } = await createTestServer()
    const long = 'application/x-nothing;q=0.5,'.repeat(400)
    const ask = (accept: string) => send(`GET ${staging}/prognosis`, { headers: { accept } })
    expect(await ask(long)).toMatchObject({ status: 406 })
    expect(await ask(`${long}text/plain;q=0.1`)).toMatchObject({
      status: 200,
      text: expect.stringMatching(/^staging /),
    })
  })
})
