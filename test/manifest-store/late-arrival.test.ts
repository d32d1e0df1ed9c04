import { describe, expect, it } from 'vitest'
import type { Command } from '../../src/core/command.ts'
import { assertFree } from '../../src/core/git-tag.ts'
import { createUnrestrictedPrincipal } from '../../src/core/principal.ts'
import type { PublishedUpdate } from '../../src/manifest-store/git-manifest-store.ts'
import type { BatchReport } from '../../src/manifest-store/store-observer.ts'
import { OutcomeUnknownError } from '../../src/manifest-store/store-errors.ts'
import { file, textOf, toMake } from '../support/changes.ts'
import { openRemote } from '../support/remote-repository.ts'
import { createTestStore, seed, testTime } from '../support/test-store.ts'

const principal = createUnrestrictedPrincipal({ name: 'Deployer', email: 'deployer@example.com' })
const manifest = 'environments/staging/applications/cart/manifests/manifests.yaml'

/** A store whose writes can be left in doubt, and what it tells of them. */
async function openStore() {
  const { repository, remote, server, log } = await openRemote()
  await seed(repository, [file('environments/staging/config.json', '{}')])
  const before = await server.head()
  const lines: object[] = []
  const updates: PublishedUpdate[] = []
  const reports: BatchReport[] = []
  const late: (readonly string[])[] = []
  const store = createTestStore(repository, () => testTime, {
    log: { info: (details, message) => void lines.push({ ...details, message }), warn: () => {}, error: () => {} },
    onPublished: (update) => updates.push(update),
    observer: {
      commandEnded: () => {},
      batchEnded: (report) => reports.push(report),
      arrivedLate: (commits) => late.push(commits),
    },
  })
  /** Is answered with `OUTCOME_UNKNOWN`, and is still on its way. */
  async function writeInDoubt(requestId: string, content = requestId) {
    remote.faults = ['delay', { kind: 'refused', reason: 'not now' }]
    const write = store.submit(toMake([file(manifest, content)], 'Deploy cart'), { principal, requestId })
    await expect(write).rejects.toThrow(OutcomeUnknownError)
    expect({ lines, updates, late }).toEqual({ lines: [], updates: [], late: [] })
  }
  return { repository, remote, server, log, store, before, lines, updates, reports, late, writeInDoubt }
}

async function openInDoubt() {
  const opened = await openStore()
  await opened.writeInDoubt('request-late')
  return opened
}

describe('a push that was answered as open', () => {
  it('and arrives is logged with its request, counted and told, once', async () => {
    const { server, remote, store, before, lines, updates, reports, late } = await openInDoubt()
    expect(await remote.deliver()).toEqual(['accepted'])
    await store.refresh()
    await store.refresh()
    const commit = await server.head()
    expect(lines).toEqual([
      expect.objectContaining({ commit, reqId: 'request-late', message: `committed ${commit} to main` }),
    ])
    expect(updates).toEqual([{ branch: 'main', before, after: commit, changedPaths: [manifest] }])
    expect(late).toHaveLength(1)
    expect(late[0]).toHaveLength(1)
    expect(reports).toMatchObject([{ outcome: 'failed' }])
  })

  it('and cannot arrive any more is told to nobody', async () => {
    const { remote, store, lines, updates, late } = await openInDoubt()
    const { commit } = await store.submit(toMake([file('x', 'y')]), { principal, requestId: 'request-next' })
    expect(await remote.deliver()).toEqual(['moved'])
    await store.refresh()
    expect(lines).toEqual([expect.objectContaining({ commit, reqId: 'request-next' })])
    expect(updates).toHaveLength(1)
    expect(late).toEqual([])
  })

  it('and is found to be there while it is asked for is like any other', async () => {
    const { remote, store, reports, late } = await openStore()
    remote.faults = ['lose-answer']
    await store.submit(toMake([file('x', 'z')]), { principal, requestId: 'r' })
    expect(reports).toMatchObject([{ outcome: 'published' }])
    expect(reports[0]?.commits).toHaveLength(1)
    expect(late).toEqual([])
  })
})

it('a push with a tag that arrives while its repeat is decided is no reason to refuse that', async () => {
  const { remote, server, store } = await openStore()
  const idempotency = { key: 'key-1', request: 'tagged' }
  const command: Command<string> = {
    ...toMake([file(manifest, 'a')], 'Deploy cart'),
    tags: { created: 'v1', source: undefined },
    decide: ({ tags }) => {
      assertFree('v1', tags?.created)
      return { changes: [file(manifest, 'a')], text: textOf('Deploy cart'), result: 'done', tag: 'v1' }
    },
  }
  remote.faults = ['delay', { kind: 'refused', reason: 'not now' }]
  await expect(store.submit(command, { principal, requestId: 'r', idempotency })).rejects.toThrow(OutcomeUnknownError)
  const listRefs = remote.listRefs.bind(remote)
  remote.listRefs = async (prefixes) => {
    // After the branch was looked at, and before the tag is.
    await remote.deliver()
    return listRefs(prefixes)
  }
  const again = await store.submit(command, { principal, requestId: 'r', idempotency })
  expect(again).toEqual({ commit: await server.head(), isRepeated: true, result: 'done' })
  // For others it is one, as ever.
  const other = store.submit(command, { principal, requestId: 's' })
  await expect(other).rejects.toMatchObject({ code: 'TAG_EXISTS' })
})

describe('several pushes that were answered as open', () => {
  const commitsInDoubt = ({ repository }: Pick<Awaited<ReturnType<typeof openStore>>, 'repository'>) =>
    repository.problems.filter((problem) => problem.startsWith('it is not known whether the push of'))

  it.each([0, 1, 2])('are told of by the one that arrives, number %i', async (which) => {
    const opened = await openStore()
    const { server, remote, repository, store, before, lines, updates, late, log } = opened
    for (const id of ['request-0', 'request-1', 'request-2']) await opened.writeInDoubt(id)
    expect(commitsInDoubt(opened)).toHaveLength(3)
    expect(await remote.deliver(which)).toEqual(['accepted'])
    await store.refresh()
    const commit = await server.head()
    expect(lines).toEqual([expect.objectContaining({ commit, reqId: `request-${which}` })])
    expect(updates).toEqual([{ branch: 'main', before, after: commit, changedPaths: [manifest] }])
    expect(late).toHaveLength(1)
    expect(repository.problems).toEqual([])
    const verdicts = log
      .filter(({ message }) => message.includes('whose answer was lost: '))
      .map(({ details }) => details)
    expect(verdicts).toHaveLength(3)
    expect(verdicts[which]).toEqual({ commit, arrived: 'yes' })
    // The others come too late, and are told to nobody.
    expect(await remote.deliver()).toEqual(['moved', 'moved'])
    await store.refresh()
    expect(lines).toHaveLength(1)
  })

  it('are over when another one starts from the same commit and arrives, and the log says so', async () => {
    const opened = await openStore()
    const { remote, repository, store, lines, late, log } = opened
    for (const id of ['request-0', 'request-1']) await opened.writeInDoubt(id)
    const { commit } = await store.submit(toMake([file('x', 'y')]), { principal, requestId: 'request-next' })
    expect(repository.problems).toEqual([])
    expect(log.filter(({ message }) => message.endsWith('it had not, and cannot any more'))).toHaveLength(2)
    expect(await remote.deliver()).toEqual(['moved', 'moved'])
    await store.refresh()
    expect(lines).toEqual([expect.objectContaining({ commit, reqId: 'request-next' })])
    expect(late).toEqual([])
  })

  it('that are the very same commit are told of once', async () => {
    const opened = await openStore()
    const { remote, store, lines, late } = opened
    await opened.writeInDoubt('request-same')
    await opened.writeInDoubt('request-same')
    expect(commitsInDoubt(opened)).toHaveLength(1)
    expect(await remote.deliver()).toEqual(['accepted', 'moved'])
    await store.refresh()
    expect(lines).toHaveLength(1)
    expect(late).toHaveLength(1)
  })

  it('are remembered, the newest ten of them', async () => {
    const opened = await openStore()
    const { remote, server, store, lines, log } = opened
    for (let index = 0; index < 11; index += 1) await opened.writeInDoubt(`request-${index}`)
    expect(commitsInDoubt(opened)).toHaveLength(10)
    expect(log.filter(({ message }) => message.includes('nobody is told'))).toHaveLength(1)
    expect(await remote.deliver(0)).toEqual(['accepted'])
    await store.refresh()
    expect(await server.head()).toBe((await store.snapshot()).commit)
    expect(lines).toEqual([])
    expect(commitsInDoubt(opened)).toEqual([])
  })
})
