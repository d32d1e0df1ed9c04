import { describe, expect, it } from 'vitest'
import { createUnrestrictedPrincipal } from '../../src/core/principal.ts'
import type { PublishedUpdate } from '../../src/manifest-store/git-manifest-store.ts'
import type { BatchReport } from '../../src/manifest-store/store-observer.ts'
import { OutcomeUnknownError } from '../../src/manifest-store/store-errors.ts'
import { file, toMake } from '../support/changes.ts'
import { openRemote } from '../support/remote-repository.ts'
import { createTestStore, seed, signalbox, testTime } from '../support/test-store.ts'

const principal = createUnrestrictedPrincipal({ name: 'Deployer', email: 'deployer@example.com' })
const manifest = 'environments/staging/applications/cart/manifests/manifests.yaml'

/** A write that was answered with `OUTCOME_UNKNOWN`, and is still on its way. */
async function writeInDoubt() {
  const { repository, remote, server } = await openRemote()
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
  remote.faults = ['delay', { kind: 'refused', reason: 'not now' }]
  const write = store.submit(toMake([file(manifest, 'a')], 'Deploy cart'), { principal, requestId: 'request-late' })
  await expect(write).rejects.toThrow(OutcomeUnknownError)
  expect({ lines, updates, late }).toEqual({ lines: [], updates: [], late: [] })
  return { repository, remote, server, store, before, lines, updates, reports, late }
}

describe('a push that was answered as open', () => {
  it('and arrives is logged with its request, counted and told, once', async () => {
    const { server, remote, store, before, lines, updates, reports, late } = await writeInDoubt()
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
    const { remote, store, lines, updates, late } = await writeInDoubt()
    const { commit } = await store.submit(toMake([file('x', 'y')]), { principal, requestId: 'request-next' })
    expect(await remote.deliver()).toEqual(['moved'])
    await store.refresh()
    expect(lines).toEqual([expect.objectContaining({ commit, reqId: 'request-next' })])
    expect(updates).toHaveLength(1)
    expect(late).toEqual([])
  })

  it('and is found to be there while it is asked for is like any other', async () => {
    const { repository, remote } = await openRemote()
    await seed(repository, [file('x', 'y')])
    const late: (readonly string[])[] = []
    const reports: BatchReport[] = []
    const store = createTestStore(repository, () => testTime, {
      observer: {
        commandEnded: () => {},
        batchEnded: (report) => reports.push(report),
        arrivedLate: (commits) => late.push(commits),
      },
    })
    remote.faults = ['lose-answer']
    await store.submit(toMake([file('x', 'z')]), { principal: createUnrestrictedPrincipal(signalbox), requestId: 'r' })
    expect(reports).toMatchObject([{ outcome: 'published' }])
    expect(reports[0]?.commits).toHaveLength(1)
    expect(late).toEqual([])
  })
})
