import { describe, expect, it } from 'vitest'
import type { ObjectId } from '../../src/core/object-id.ts'
import { absent, deployment, file } from '../support/changes.ts'
import type { TestServer } from '../support/test-server.ts'
import { createTestServer } from '../support/test-server.ts'

const paths = [
  '/api/environments/staging/releasetrain',
  '/environments/staging/releasetrain',
  '/api/environment-groups/staging/releasetrain',
  '/environment-groups/staging/releasetrain',
]

/** The shop, tagged `v1`; since then cart 5 has been removed, and 9 is everywhere upstream. */
async function aTaggedShop(): Promise<TestServer & { readonly tagged: ObjectId }> {
  const server = await createTestServer()
  const tagged = (await server.head()) as ObjectId
  await server.repository.publish({ from: tagged, to: tagged, objects: [], tags: [{ name: 'v1', id: tagged }] })
  await server.commit(
    file('applications/cart/releases/9/environments/staging/manifests.yaml', 'a: 9\n'),
    file('applications/cart/releases/9/environments/development/manifests.yaml', 'a: 9\n'),
    deployment('development', 'cart', 9),
    absent('applications/cart/releases/5'),
  )
  return { ...server, tagged }
}

describe('a replay', () => {
  it.each(paths)('is previewed and run, exactly as previewed: %s', async (path) => {
    const { send, tagged } = await aTaggedShop()
    const query = '?sourceGitTag=refs/tags/v1&gitTag=replay'
    const preview = await send(`GET ${path}/prognosis${query}`)
    const cart = { deployedVersion: { version: '5' }, fromVersion: '4', team: 'storefront', restored: true }
    const said = { gitTag: 'replay', sourceGitTag: 'v1', sourceCommit: tagged }
    expect(preview).toMatchObject({
      status: 200,
      json: { ...said, envsPrognoses: { staging: { appsPrognoses: { prognoses: { cart } } } } },
    })
    const other = await send(`PUT ${path}`, { headers: { 'if-match': preview.headers['etag'] ?? '' } })
    expect(other).toMatchObject({ status: 412, hasCommitted: false })
    const ran = await send(`PUT ${path}${query}`, { headers: { 'if-match': preview.headers['etag'] ?? '' } })
    expect(ran).toMatchObject({
      status: 200,
      hasCommitted: true,
      json: { ...said, environments: { staging: { appsPrognoses: { prognoses: { cart } } } } },
    })
    const again = await send(`GET ${path}/prognosis${query}`)
    expect(again).toMatchObject({ status: 409, json: { code: 'TAG_EXISTS' } })
  })

  it('is not run when its tag was moved since it was previewed', async () => {
    const server = await aTaggedShop()
    const [path] = paths
    const preview = await server.send(`GET ${path}/prognosis?sourceGitTag=v1`)
    const head = (await server.head()) as ObjectId
    server.repository.readTag = () => Promise.resolve({ kind: 'commit', commit: head })
    const ran = await server.send(`PUT ${path}?sourceGitTag=v1`, {
      headers: { 'if-match': preview.headers['etag'] ?? '' },
    })
    expect(ran).toMatchObject({ status: 412, hasCommitted: false })
  })

  it("changes nothing in the form of Kuberpult's own server", async () => {
    const { send } = await aTaggedShop()
    const headers = { accept: 'application/vnd.kuberpult+json' }
    const ran = await send(`PUT ${paths[0]}?sourceGitTag=v1&gitTag=v2&team=storefront`, { headers })
    expect(ran.text).toBe('{"target":"staging","team":"storefront"}')
  })

  it('says so on the departure board', async () => {
    const { send } = await aTaggedShop()
    const headers = { accept: 'text/plain' }
    const preview = await send(`GET ${paths[0]}/prognosis?sourceGitTag=v1&gitTag=v2`, { headers })
    expect(preview.text).toMatch(/^staging {2}from development {2}as of tag v1 {2}to be tagged v2 /)
    expect(preview.text).toContain('5 (restored)')
  })
})

describe('a tag', () => {
  it('is named by the answer only when there is one', async () => {
    const { send, repository } = await createTestServer()
    await send(`PUT ${paths[0]}`)
    const nothing = await send(`PUT ${paths[0]}?gitTag=v1`)
    expect(nothing).toMatchObject({ status: 200, hasCommitted: false })
    expect(nothing.text).not.toContain('v1')
    expect(await repository.readTag('v1')).toEqual({ kind: 'absent' })
  })

  it('that exists is refused by prognosis and run, and nothing is done', async () => {
    const { send } = await aTaggedShop()
    for (const request of [`GET ${paths[0]}/prognosis?gitTag=v1`, `PUT ${paths[0]}?gitTag=v1`]) {
      expect(await send(request)).toMatchObject({ status: 409, hasCommitted: false, json: { code: 'TAG_EXISTS' } })
    }
  })

  it('to replay that does not exist is 404 for both', async () => {
    const { send } = await createTestServer()
    for (const request of [`GET ${paths[0]}/prognosis?sourceGitTag=v9`, `PUT ${paths[0]}?sourceGitTag=v9`]) {
      expect(await send(request)).toMatchObject({ status: 404, hasCommitted: false, json: { code: 'UNKNOWN_TAG' } })
    }
  })
})
