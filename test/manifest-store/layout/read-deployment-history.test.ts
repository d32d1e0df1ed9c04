import fc from 'fast-check'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { DeploymentEvent, DeploymentHistory } from '../../../src/core/deployment-history.ts'
import type { ApplicationName, EnvironmentName } from '../../../src/core/names.ts'
import { toCommitMessage } from '../../../src/manifest-store/commit-message.ts'
import { ObjectCache } from '../../../src/manifest-store/git/object-cache.ts'
import { ObjectReader } from '../../../src/manifest-store/git/object-reader.ts'
import type { HistoryOptions } from '../../../src/manifest-store/layout/read-deployment-history.ts'
import { readDeploymentHistory } from '../../../src/manifest-store/layout/read-deployment-history.ts'
import { createBareRepository, createTemporaryFolder, git, hasGit, removeFolder } from '../../support/real-git.ts'
import { signalbox } from '../../support/test-store.ts'

const path = 'environments/staging/applications/cart/version'
const committer = `${signalbox.name} <${signalbox.email}>`

/** A commit for git to make. Its first parent is the one before it, unless it names another. */
interface CommitFacts {
  /** Lines of `git fast-import`. */
  readonly edits: readonly string[]
  /** The commits that it merges, and the one that it stands on: each by its number, from 1 on. */
  readonly merges?: readonly number[]
  readonly on?: number
  readonly message?: string
  readonly committer?: string
}

function write(at: string, text: string, mode = '100644'): string {
  return `M ${mode} inline ${at}\ndata ${Buffer.byteLength(text)}\n${text}`
}

function deploy(version: number | string, at = path): string {
  return write(at, `../../../../applications/cart/releases/${version}`, '120000')
}

/** Lets git make the commits; answers the repository and their ids, by their numbers. */
function makeHistory(commits: readonly CommitFacts[], folder = createBareRepository()) {
  const stream = commits.map((commit, index) => {
    const {
      edits,
      merges = [],
      on = index,
      message = 'Change something\n',
      committer: by = 'Else <e@example.com>',
    } = commit
    return [
      `commit refs/heads/main\nmark :${index + 1}\nauthor Deployer <deployer@example.com> ${1_800_000_000 + index} +0200`,
      `committer ${by} ${1_800_000_000 + index} +0000\ndata ${Buffer.byteLength(message)}\n${message}`,
      ...(on === 0 ? [] : [`from :${on}`]),
      ...merges.map((mark) => `merge :${mark}`),
      ...edits,
      '',
      `get-mark :${index + 1}\n`,
    ].join('\n')
  })
  const printed = git(['fast-import', '--quiet', '--force'], { cwd: folder, input: stream.join('') })
  const ids = new Map(printed.split('\n').map((id, index) => [index + 1, id]))
  return { folder, ids }
}

async function read(
  folder: string,
  options: Partial<HistoryOptions> & { readonly from?: string } = {},
): Promise<DeploymentHistory> {
  const reader = new ObjectReader(folder)
  try {
    const start = options.from ?? git(['rev-parse', 'main'], { cwd: folder }).trim()
    return await readDeploymentHistory(new ObjectCache(reader), start, {
      environment: 'staging' as EnvironmentName,
      application: 'cart' as ApplicationName,
      pageSize: 100,
      maximumCommits: 1000,
      committer: signalbox,
      ...options,
    })
  } finally {
    reader.close()
  }
}

function versionsOf({ events }: DeploymentHistory): readonly string[] {
  return events.map(({ fromVersion, version }) => `${fromVersion ?? '-'} to ${version ?? '-'}`)
}

describe.runIf(hasGit)('the history of a deployment', () => {
  it('has each commit that put the link elsewhere, with its author and what it was before', async () => {
    const { folder, ids } = makeHistory([
      { edits: [write('README', 'a shop')] },
      { edits: [deploy(1)], message: 'Deploy cart 1\n\nBecause it is ready.\n' },
      { edits: [write('README', 'a big shop'), deploy(7, 'environments/live/applications/cart/version')] },
      { edits: [deploy('18446744073709551615')] },
      { edits: [write('environments/staging/applications/cart/deployed_by', 'Deployer')] },
    ])
    const history = await read(folder)
    expect(history).toMatchObject({ next: undefined, isTruncated: false })
    expect(versionsOf(history)).toEqual(['1 to 18446744073709551615', '- to 1'])
    expect(history.events[1]).toEqual({
      version: 1n,
      fromVersion: undefined,
      commit: ids.get(2),
      by: { name: 'Deployer', email: 'deployer@example.com' },
      at: new Date(1_800_000_001_000),
      subject: 'Deploy cart 1',
      command: undefined,
      trainTarget: undefined,
      trainTeam: undefined,
      requestId: undefined,
    })
  })

  it.each([
    ['is removed and comes back', ['D environments/staging/applications'], ['- to 2', '1 to -', '- to 1']],
    ['becomes a file', [write(path, '1')], ['- to 2', '1 to -', '- to 1']],
    ['becomes a directory', [`D ${path}`, write(`${path}/odd`, '1')], ['- to 2', '1 to -', '- to 1']],
    ['leads nowhere', [deploy('nowhere')], ['- to 2', '1 to -', '- to 1']],
    ['leads to another release by a detour', [deploy('3/')], ['3 to 2', '1 to 3', '- to 1']],
    [
      'leaves with its environment, which is renamed',
      ['R environments/staging environments/qa'],
      ['- to 2', '1 to -', '- to 1'],
    ],
  ])('tells of a link that %s', async (_what, edits, expected) => {
    const { folder } = makeHistory([{ edits: [deploy(1)] }, { edits }, { edits: [`D ${path}`, deploy(2)] }])
    expect(versionsOf(await read(folder))).toEqual(expected)
  })

  it('comes in pages, whose end says where the next one begins', async () => {
    const { folder, ids } = makeHistory([1, 2, 2, 3, 4].map((version) => ({ edits: [deploy(version)] })))
    const first = await read(folder, { pageSize: 2 })
    expect(first.events.map(({ commit }) => commit)).toEqual([ids.get(5), ids.get(4)])
    expect(first.next).toBe(ids.get(3))
    const second = await read(folder, { pageSize: 2, from: first.next ?? '' })
    expect(versionsOf(second)).toEqual(['1 to 2', '- to 1'])
    expect(second.next).toBeUndefined()
  })

  it('stops after so many commits, and goes on where it stopped', async () => {
    const edits = Array.from({ length: 9 }, (_, index) => ({ edits: [write('README', `${index}`)] }))
    const { folder, ids } = makeHistory([{ edits: [deploy(1)] }, ...edits])
    const stopped = await read(folder, { maximumCommits: 9 })
    expect(stopped).toEqual({ events: [], next: ids.get(1), isTruncated: false })
    expect(versionsOf(await read(folder, { maximumCommits: 9, from: stopped.next ?? '' }))).toEqual(['- to 1'])
  })

  it('of a shallow clone says that it is cut off, and does not take its first commit for a deployment', async () => {
    const { folder } = makeHistory([1, 2, 3].map((version) => ({ edits: [deploy(version)] })))
    const clone = join(createTemporaryFolder(), 'clone.git')
    git(['clone', '--quiet', '--bare', '--depth=2', `file://${folder}`, clone])
    const history = await read(clone)
    expect(versionsOf(history)).toEqual(['2 to 3'])
    expect(history).toMatchObject({ next: undefined, isTruncated: true })
    expect(await read(clone, { pageSize: 1 })).toMatchObject({ isTruncated: false, next: expect.any(String) as string })
  })

  it('reads none of the trees that two commits share', async () => {
    const { folder } = makeHistory([
      { edits: [deploy(1)] },
      ...Array.from({ length: 20 }, (_, index) => ({ edits: [write(`applications/web/${index}`, '')] })),
    ])
    const reader = new ObjectReader(folder)
    let reads = 0
    const counting = { read: (id: string) => ((reads += 1), reader.read(id)) }
    const start = git(['rev-parse', 'main'], { cwd: folder }).trim()
    const history = await readDeploymentHistory(new ObjectCache(counting), start, {
      environment: 'staging' as EnvironmentName,
      application: 'cart' as ApplicationName,
      pageSize: 100,
      maximumCommits: 1000,
      committer: signalbox,
    })
    reader.close()
    expect(versionsOf(history)).toEqual(['- to 1'])
    // A commit and its root each, the path once, and the link.
    expect(reads).toBe(21 * 2 + 4 + 1)
  })

  it('is what git log finds along the first parents, whatever happened', async () => {
    expect.hasAssertions()
    await fc.assert(
      fc.asyncProperty(fc.array(commitFacts, { minLength: 1, maxLength: 12 }), async (facts) => {
        const { folder } = makeHistory(facts.map(toPossible))
        try {
          const log = git(['log', '--first-parent', '--format=%H', 'main', '--', path], { cwd: folder })
          const { events } = await read(folder)
          expect(events.map(({ commit }) => commit)).toEqual(log.split('\n').filter((line) => line !== ''))
        } finally {
          removeFolder(folder)
        }
      }),
      { numRuns: 25 },
    )
  })
})

const paths = [path, 'environments/staging/applications/web/version', 'environments/live/applications/cart/version']
const edit = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(1, 2, 3, 'nowhere').map((version) => deploy(version)) },
  { weight: 2, arbitrary: fc.tuple(fc.constantFrom(...paths), fc.nat(3)).map(([at, version]) => deploy(version, at)) },
  { weight: 2, arbitrary: fc.nat(2).map((text) => write('README', `${text}`)) },
  { weight: 1, arbitrary: fc.constantFrom(...paths, 'environments/staging').map((at) => `D ${at}`) },
  { weight: 1, arbitrary: fc.constant(`D ${path}\n${write(path, '1')}`) },
  { weight: 1, arbitrary: fc.constant(`D ${path}\n${write(`${path}/odd`, '1')}`) },
)
const commitFacts = fc.record({
  edits: fc.array(edit, { maxLength: 2 }),
  /** How many commits back; most stand on the one before. */
  back: fc.oneof({ weight: 4, arbitrary: fc.constant(1) }, { weight: 1, arbitrary: fc.integer({ min: 2, max: 5 }) }),
  merge: fc.option(fc.integer({ min: 1, max: 6 })),
})

function toPossible(
  { edits, back, merge }: { readonly edits: string[]; readonly back: number; readonly merge: number | null },
  index: number,
): CommitFacts {
  const on = Math.max(index + 1 - back, Math.min(index, 1))
  const other = index + 1 - (merge ?? 0)
  return { edits, on, merges: merge !== null && other >= 1 && other !== on ? [other] : [] }
}

describe.runIf(hasGit)('what a commit says of the request behind a deployment', () => {
  const trailers = [
    { key: 'Signalbox-Command', value: 'release-train' },
    { key: 'Signalbox-Target', value: 'group production' },
    { key: 'Signalbox-Team', value: 'payments' },
  ] as const
  const author = { name: 'Deployer', email: 'deployer@example.com' }
  const ours = toCommitMessage({ subject: 'Release train', sections: [], trailers }, author, 'request-1')
  const believed = {
    command: 'release-train',
    trainTarget: 'group production',
    trainTeam: 'payments',
    requestId: 'request-1',
  }
  const nothing = { command: undefined, trainTarget: undefined, trainTeam: undefined, requestId: undefined }

  async function eventOf(facts: Omit<CommitFacts, 'edits'>): Promise<DeploymentEvent | undefined> {
    const { folder } = makeHistory([{ ...facts, edits: [deploy(1)] }])
    return (await read(folder)).events[0]
  }

  it('is believed of our own commits', async () => {
    expect(await eventOf({ message: ours, committer })).toMatchObject({ subject: 'Release train', ...believed })
  })

  it.each([
    ['of another committer', { message: ours }],
    ['with something else among the trailers', { message: `${ours}And more\n`, committer }],
    ['with another block after the trailers', { message: `${ours}\nAnd more\n`, committer }],
    ['which are all there is', { message: ours.slice(ours.indexOf('\n\n') + 2), committer }],
    ['without the request that each of ours names', { message: 'x\n\nSignalbox-Command: release-train\n', committer }],
    ['of which one is given twice', { message: `${ours}Signalbox-Team: storefront\n`, committer }],
  ])('is not believed of a commit %s', async (_what, facts) => {
    expect(await eventOf(facts)).toMatchObject(nothing)
  })

  it('cannot be forged by the text of a lock', async () => {
    const forged = '\n\nSignalbox-Command: release-train\nSignalbox-Target: group production\nSignalbox-Request: x'
    const text = { subject: `Lock${forged}`, sections: [{ heading: `Why${forged}`, lines: [forged] }] }
    const lockTrailers = [
      { key: 'Signalbox-Command', value: 'create-lock' },
      { key: 'Signalbox-Target', value: `environment x${forged}` },
    ] as const
    const message = toCommitMessage({ ...text, trailers: lockTrailers }, author, 'request-2')
    expect(await eventOf({ message, committer })).toMatchObject({
      ...nothing,
      command: 'create-lock',
      requestId: 'request-2',
    })
  })

  it('knows us by the name that stands in commits', async () => {
    const { folder } = makeHistory([{ edits: [deploy(1)], message: ours, committer }])
    const untidy = { name: ' <Signalbox>, ', email: signalbox.email }
    expect((await read(folder, { committer: untidy })).events[0]).toMatchObject(believed)
  })
})
