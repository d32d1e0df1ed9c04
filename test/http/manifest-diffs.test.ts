import { createHash } from 'node:crypto'
import protojson from 'protobufjs/ext/protojson.js'
import { describe, expect, it } from 'vitest'
import { ObjectMissingError } from '../../src/manifest-store/git/git-errors.ts'
import { publishedRoot } from '../protobuf/published-proto.ts'
import { absent, file } from '../support/changes.ts'
import type { TestServer } from '../support/test-server.ts'
import { aProblem, createTestServer, itAnswers } from '../support/test-server.ts'

const staging = '/api/environments/staging/releasetrain/prognosis'
const release = (application: string, version: number, environment = 'staging') =>
  `applications/${application}/releases/${version}/environments/${environment}/manifests.yaml`
const deployed = (application: string) => `environments/staging/applications/${application}/manifests/manifests.yaml`

/** The diffs of a train to staging, by application. */
async function diffsOf({ send }: TestServer, query = ''): Promise<Readonly<Record<string, string | undefined>>> {
  const { json } = await send(`GET ${staging}?diff=true${query}`)
  const { envsPrognoses } = json as {
    envsPrognoses: Record<string, { appsPrognoses: { prognoses: Record<string, { manifestDiff?: string }> } }>
  }
  const prognoses = Object.entries(envsPrognoses['staging']?.appsPrognoses.prognoses ?? {})
  return Object.fromEntries(prognoses.map(([application, { manifestDiff }]) => [application, manifestDiff]))
}

describe('the diffs of a prognosis', () => {
  it('show for each application that travels how its manifest would change', async () => {
    const diffs = await diffsOf(await createTestServer())
    expect(diffs['cart']).toMatchInlineSnapshot(`
      "--- staging/cart 4
      +++ staging/cart 5
      @@ -16,7 +16,7 @@
           spec:
             containers:
               - name: cart
      -          image: registry.example.com/storefront/cart:v2.7.1
      +          image: registry.example.com/storefront/cart:v2.8.0
                 ports:
                   - name: http
                     containerPort: 8080
      @@ -29,6 +29,8 @@
                     value: 24h
                   - name: VAT_ROUNDING
                     value: per-cart
      +            - name: MERGE_GUEST_CART
      +              value: "true"
                 readinessProbe:
                   httpGet:
                     path: /ready
      "
    `)
    const travelling = Object.keys(diffs).filter((application) => diffs[application] !== undefined)
    expect(travelling).toEqual(['cart', 'inventory', 'shipping'])
  })

  it('compare with what is deployed, whatever its release said', async () => {
    const server = await createTestServer({
      changes: [file(deployed('cart'), 'a: 1\n'), file(release('cart', 5), 'a: 2\n')],
    })
    expect(await diffsOf(server, '&team=storefront')).toEqual({
      cart: '--- staging/cart 4\n+++ staging/cart 5\n@@ -1,1 +1,1 @@\n-a: 1\n+a: 2\n',
    })
  })

  it.each([
    ['the file that would be written is there', [file(deployed('cart'), 'a: 1\n'), file(release('cart', 5), 'a: 1\n')]],
    ['an empty manifest stands there as a space', [file(deployed('cart'), ' '), file(release('cart', 5), '')]],
  ])('are absent where %s', async (_where, changes) => {
    expect((await diffsOf(await createTestServer({ changes })))['cart']).toBeUndefined()
  })

  it('begin with nothing where nothing is deployed', async () => {
    const server = await createTestServer({
      changes: [absent('environments/staging/applications/cart'), file(release('cart', 5), 'a: 1\n')],
    })
    expect((await diffsOf(server))['cart']).toBe('--- /dev/null\n+++ staging/cart 5\n@@ -0,0 +1,1 @@\n+a: 1\n')
  })

  it('change neither the fingerprint nor what is decided', async () => {
    const { send } = await createTestServer()
    const [without, with_] = [await send(`GET ${staging}`), await send(`GET ${staging}?diff=true`)]
    expect(with_.json).toMatchObject(without.json as object)
    const [one, other] = [without, with_].map(({ headers }) => (headers['etag'] ?? '').split('.'))
    expect(one?.[0]).toBe(other?.[0])
    expect(one?.[1]).not.toBe(other?.[1])
    expect(await send(`GET ${staging}?diff=false`)).toMatchObject({ text: without.text })
  })

  it('make a representation of their own for conditional requests', async () => {
    const { send, commit } = await createTestServer()
    const etag = (await send(`GET ${staging}?diff=true`)).headers['etag'] ?? ''
    const headers = { 'if-none-match': etag }
    expect(await send(`GET ${staging}?diff=true`, { headers })).toMatchObject({ status: 304, text: '' })
    expect(await send(`GET ${staging}`, { headers })).toMatchObject({ status: 200 })
    await commit(file(deployed('cart'), 'a: 1\n'))
    expect(await send(`GET ${staging}?diff=true`, { headers })).toMatchObject({ status: 200 })
    const train = await send('PUT /api/environments/staging/releasetrain', { headers: { 'if-match': etag } })
    expect(train).toMatchObject({ status: 200, hasCommitted: true })
  })

  itAnswers([
    {
      name: 'are for the prognosis, not for the train',
      request: 'PUT /api/environments/staging/releasetrain?diff=true',
      expected: aProblem(
        400,
        'INVALID_REQUEST',
        'query.diff is unknown here, where only team, gitTag, sourceGitTag is taken',
      ),
    },
    {
      name: 'are wanted, or not',
      request: `GET ${staging}?diff=yes`,
      expected: aProblem(400, 'INVALID_REQUEST', 'query.diff must be true or false'),
    },
  ])
})

describe('the diffs of a prognosis in other forms', () => {
  const accepting = (accept: string) => ({ headers: { accept } })

  it('are in protobuf what they are in JSON', async () => {
    const { send } = await createTestServer()
    const type = publishedRoot.lookupType('api.v1.GetReleaseTrainPrognosisResponse')
    const binary = await send(`GET ${staging}?diff=true`, accepting('application/x-protobuf'))
    const json = await send(`GET ${staging}?diff=true`)
    expect(JSON.parse(protojson.toJsonString(type, type.decode(binary.bytes)))).toEqual(json.json)
  })

  it('stand below the board', async () => {
    const changes = [file(deployed('cart'), 'a: 1\n\u001b[2J\n'), file(release('cart', 5), 'a: 2\n')]
    const { send } = await createTestServer({ changes })
    const { text } = await send(`GET ${staging}?diff=true&team=storefront`, accepting('text/plain'))
    expect(text).toContain(
      '\n\n--- staging/cart 4\n+++ staging/cart 5\n@@ -1,2 +1,1 @@\n-a: 1\n-\ufffd[2J\n+a: 2\n\n1 travels, 2 stay\n',
    )
    expect(text.indexOf('stays: the application is locked')).toBeLessThan(text.indexOf('---'))
  })

  it('stand below the table of their environment, in a block that they cannot leave', async () => {
    const changes = [file(deployed('cart'), 'a: 1\n'), file(release('cart', 5), '```\n')]
    const { send } = await createTestServer({ changes })
    const { text } = await send(`GET ${staging}?diff=true&team=storefront`, accepting('text/markdown'))
    expect(text).toContain(
      '\n\n````diff\n--- staging/cart 4\n+++ staging/cart 5\n@@ -1,1 +1,1 @@\n-a: 1\n+```\n````\n\n**1 travels',
    )
  })

  it("have no place in Kuberpult's", async () => {
    const { send, repository } = await createTestServer()
    const accept = accepting('application/vnd.kuberpult+json')
    const { text } = await send(`GET ${staging}`, accept)
    repository.reads = []
    expect(await send(`GET ${staging}?diff=true`, accept)).toMatchObject({ status: 200, text })
    expect(repository.reads).toEqual([])
  })
})

describe('the diff of a manifest', () => {
  it('that is huge is a sentence', async () => {
    const huge = `# ${'x'.repeat(300 * 1024)}\n`
    const server = await createTestServer({ changes: [file(release('cart', 5), huge)] })
    expect((await diffsOf(server))['cart']).toBe(
      '(the diff of staging/cart 4 and staging/cart 5 is left out: it is larger than 256 KB)\n',
    )
  })

  it('that cannot be read is a sentence, and the others are there', async () => {
    const server = await createTestServer({ changes: [file(release('cart', 5), 'a: 1\n')] })
    const id = createHash('sha1').update('blob 5\0a: 1\n').digest('hex')
    await server.send(`GET ${staging}`)
    server.repository.beforeRead = (read) => {
      if (read === id) throw new ObjectMissingError(id)
    }
    const diffs = await diffsOf(server)
    expect(diffs['cart']).toMatch(
      /^\(there is no diff of staging\/cart 4 and staging\/cart 5: the repository cannot be read: .+\)\n$/,
    )
    expect(diffs['shipping']).toMatch(/^--- staging\/shipping 2\n/)
  })

  it('of one application too many is a sentence that says what to ask for', async () => {
    const applications = Array.from({ length: 20 }, (_, index) => `app-${String(index).padStart(2, '0')}`)
    const changes = applications.flatMap((application, index) => [
      file(
        `applications/${application}/releases/1/environments/dev/manifests.yaml`,
        `# ${index} ${'x'.repeat(250 * 1024)}\n`,
      ),
      file(`applications/${application}/releases/1/created_at`, '2026-05-01T08:00:00Z'),
    ])
    const config = file('environments/dev/config.json', '{"upstream":{"latest":true}}')
    const { send } = await createTestServer({ files: [config, ...changes] })
    const { json, text } = await send('GET /api/environments/dev/releasetrain/prognosis?diff=true')
    const { prognoses } = (
      json as { envsPrognoses: { dev: { appsPrognoses: { prognoses: Record<string, { manifestDiff: string }> } } } }
    ).envsPrognoses.dev.appsPrognoses
    const isLeftOut = applications.map((application) => prognoses[application]?.manifestDiff.startsWith('('))
    expect(isLeftOut).toEqual(applications.map((_, index) => index >= 16))
    expect(prognoses['app-19']?.manifestDiff).toBe(
      '(the diff of /dev/null and dev/app-19 1 is left out, because there are too many: ask for one environment, or for one team)\n',
    )
    expect(text.length).toBeLessThan(4.2 * 1024 * 1024)
  })
})
