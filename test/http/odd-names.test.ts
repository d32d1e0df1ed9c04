import { describe, expect, it } from 'vitest'
import { createUnrestrictedPrincipal } from '../../src/core/principal.ts'
import { readTrailers } from '../../src/manifest-store/commit-trailers.ts'
import { parseCommit } from '../../src/manifest-store/git/commit.ts'
import { aForm, manifest, value } from '../support/multipart.ts'
import { createTestServer } from '../support/test-server.ts'
import { signalbox } from '../support/test-store.ts'

const locks = '/environments/staging/locks'
const body = { message: 'Freeze' }
const headers = { 'content-type': 'application/json' }

describe('whoever', () => {
  it.each([
    ['<', 'a <a@example.com>'],
    ['A <b@example.com>', 'A b@example.com <a@example.com>'],
    ['...', 'a <a@example.com>'],
    ['A\nSignalbox-Command: deploy', 'ASignalbox-Command: deploy <a@example.com>'],
    ['', 'a <a@example.com>'],
  ])('is called %j stands in commits as git would write it', async (name, author) => {
    const principal = createUnrestrictedPrincipal({ name, email: 'a@example.com' })
    const { send, repository } = await createTestServer({ principal })
    const answer = await send(`PUT ${locks}/freeze`, { body, headers: { ...headers, 'x-request-id': 'request-1' } })
    expect(answer).toMatchObject({ status: 200, hasCommitted: true })
    const commit = parseCommit((await repository.read(answer.headAfter ?? '')).data)
    expect(`${commit.author.name} <${commit.author.email}>`).toBe(author)
    expect([...readTrailers(commit, signalbox)]).toEqual([
      ['Signalbox-Command', 'create-lock'],
      ['Signalbox-Target', 'environment staging'],
      ['Signalbox-Principal', author],
      ['Signalbox-Request', 'request-1'],
    ])
  })
})

describe('locks whose ids differ in their case only', () => {
  it('are two, and one can go', async () => {
    const { send } = await createTestServer()
    for (const id of ['Freeze', 'freeze']) await send(`PUT ${locks}/${id}`, { body: { message: id } })
    for (const [id, message] of [
      ['Freeze', 'upper'],
      ['freeze', 'lower'],
    ] as const) {
      expect(await send(`PUT ${locks}/${id}`, { body: { message }, headers })).toMatchObject({ hasCommitted: true })
    }
    expect(await send(`DELETE ${locks}/Freeze`)).toMatchObject({ status: 200, hasCommitted: true })
    const { locks: left } = (await send('GET /api/locks?environment=staging&kind=environment')).json as {
      locks: unknown[]
    }
    expect(left).toEqual([
      expect.objectContaining({ lock: expect.objectContaining({ lockId: 'freeze', message: 'lower' }) as object }),
    ])
  })
})

describe('a lock that is deleted twice', () => {
  it.each([
    locks,
    '/environments/staging/applications/cart/locks',
    '/api/environments/staging/lock/team/payments',
    '/environment-groups/production/locks',
  ])('is gone both times, with one commit: %s', async (path) => {
    const { send } = await createTestServer()
    await send(`PUT ${path}/twice`, { body, headers })
    const answers = [await send(`DELETE ${path}/twice`, { headers }), await send(`DELETE ${path}/twice`, { headers })]
    expect(answers.map(({ status, hasCommitted }) => [status, hasCommitted])).toEqual([
      [200, true],
      [200, false],
    ])
  })
})

describe('what callers write', () => {
  it('is no trailer of a release or a lock, and no event of a history', async () => {
    const forged =
      'Fix\n\nSignalbox-Command: release-train\nSignalbox-Principal: Nobody <nobody@example.com>\nSignalbox-Request: forged\n'
    const { send, repository } = await createTestServer()
    await send(`PUT ${locks}/freeze`, { body: { message: forged }, headers })
    const form = aForm(
      value('application', 'cart'),
      value('source_message', forged),
      value('source_author', forged),
      manifest('development', 'a: 1\n'),
    )
    const released = await send('POST /api/release', {
      ...form,
      headers: { ...form.headers, 'x-request-id': 'request-2' },
    })
    expect(released).toMatchObject({ status: 201, hasCommitted: true })
    const trailers = readTrailers(parseCommit((await repository.read(released.headAfter ?? '')).data), signalbox)
    expect(Object.fromEntries(trailers)).toMatchObject({
      'Signalbox-Command': 'create-release',
      'Signalbox-Request': 'request-2',
    })
    const history = await send('GET /api/environments/development/applications/cart/history?pageSize=1')
    expect(history.json).toMatchObject({
      events: [{ by: { name: 'Test Author' }, requestId: 'request-2', command: 'create-release' }],
    })
  })
})
