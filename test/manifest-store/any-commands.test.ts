import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { renderArgoCdFiles } from '../../src/core/deployment-changes.ts'
import { createEnvironment } from '../../src/core/environment-commands.ts'
import { DomainError } from '../../src/core/errors.ts'
import { createUnrestrictedPrincipal } from '../../src/core/principal.ts'
import { readable } from '../../src/core/readable.ts'
import { prognoseReleaseTrain } from '../../src/core/release-train-prognosis.ts'
import type { Snapshot } from '../../src/core/snapshot.ts'
import { deployedVersion, queuedVersion } from '../../src/core/snapshot.ts'
import { readTrailers } from '../../src/manifest-store/commit-trailers.ts'
import { parseCommit } from '../../src/manifest-store/git/commit.ts'
import { GitManifestStore } from '../../src/manifest-store/git-manifest-store.ts'
import { LocalRepository } from '../../src/manifest-store/repository/local-repository.ts'
import type { Wish } from '../support/command-arbitrary.ts'
import { firstConfigs, text, wishes } from '../support/command-arbitrary.ts'
import { createFolder, git, gitBytes, hasGit, removeFolder } from '../support/real-git.ts'
import { signalbox, testTime } from '../support/test-store.ts'
import { writeSettings } from '../support/write-settings.ts'

/** More with SIGNALBOX_TEST_COMMAND_RUNS. */
const runs = Number(process.env['SIGNALBOX_TEST_COMMAND_RUNS'] ?? 40)

const silent = { info: () => {}, warn: () => {}, error: () => {} }
const settings = writeSettings({
  argoCd: { repositoryUrl: 'git@example.com:shop/manifests.git', branch: 'main' },
  releaseVersionsLimit: 5,
})

/** What is wished for at once, by whom, after how many minutes, and whether commit data is written. */
const step = fc.record({
  wishes,
  by: fc.oneof(fc.constantFrom('Deployer', '<>', '...', 'a\nb <c>'), text),
  minutes: fc.constantFrom(0, 1, 90, 60 * 24),
  writesCommitData: fc.boolean(),
})

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

describe.runIf(hasGit)('any commands in any order', () => {
  it(
    'leave a repository that git accepts, and that a fresh start finds as it was',
    { timeout: 3_600_000 },
    async () => {
      const committed = new Map<string, number>()
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 16, size: 'max' }), async (steps) => {
          const folder = createFolder()
          try {
            await tryOut(join(folder, 'repository.git'), steps, committed)
          } finally {
            removeFolder(folder)
          }
        }),
        { numRuns: runs },
      )
      // Else it proves little.
      for (const kind of kinds) expect([kind, committed.get(kind) ?? 0]).toEqual([kind, expect.toSatisfy((n) => n > 0)])
    },
  )
})

const kinds = [
  'release',
  'deploy',
  'train',
  'unlock',
  'environment',
  'remove',
  'undeploy',
  'delete application',
  'delete environment',
  'lock environment',
  'lock application',
  'lock team',
  'lock group',
]

async function tryOut(path: string, steps: readonly Step[], committed: Map<string, number>): Promise<void> {
  git(['init', '--quiet', '--bare', '--initial-branch=main', path])
  const time = { now: testTime }
  const open = async () => {
    const repository = await LocalRepository.open({ path, branch: undefined, committer: signalbox, log: silent })
    return new GitManifestStore({ repository, committer: signalbox, clock: () => time.now, log: silent })
  }
  const store = await open()
  const commits: { readonly id: string; readonly requestId: string }[] = []
  let inMemory: Snapshot
  try {
    let count = 0
    const submit = async ({ wishes: all, by, writesCommitData }: Step) => {
      const snapshot = await store.snapshot()
      const principal = createUnrestrictedPrincipal({ name: by, email: `${by}@example.com` })
      const answers = all.map(async ({ kind, toCommand }) => {
        count += 1
        const requestId = `request-${count}`
        try {
          const command = toCommand(snapshot, { ...settings, writesCommitData })
          const { commit } = await store.submit(command, { principal, requestId })
          return { kind, commit, requestId }
        } catch (error) {
          if (error instanceof DomainError) return { kind, commit: undefined, requestId }
          throw error
        }
      })
      for (const { kind, commit, requestId } of await Promise.all(answers)) {
        if (commit === undefined) continue
        commits.push({ id: commit, requestId })
        committed.set(kind, (committed.get(kind) ?? 0) + 1)
      }
    }
    const first: Wish[] = firstConfigs.map(([name, config]) => ({
      kind: 'environment',
      what: { name },
      toCommand: (_snapshot, { argoCd }) => createEnvironment({ name, config, isDryRun: false, argoCd }),
    }))
    for (const one of [{ wishes: first, by: 'Deployer', minutes: 0, writesCommitData: true }, ...steps]) {
      time.now = new Date(time.now.getTime() + one.minutes * 60_000)
      await submit(one)
      assertNothingDangles(await store.snapshot())
    }
    inMemory = await store.snapshot()
  } finally {
    await store.close()
  }

  expect(git(['fsck', '--strict', '--no-dangling'], { cwd: path })).toBe('')
  const fresh = await open()
  try {
    const again = await fresh.snapshot()
    expect(withReleasesOf(inMemory, again)).toEqual(again)
    for (const target of ['dev', 'test', 'staging', 'live']) {
      expect(prognosisOf(inMemory, target, time.now)).toEqual(prognosisOf(again, target, time.now))
    }
  } finally {
    await fresh.close()
  }
  expect(inMemory.problems).toEqual([])
  assertCommits(path, commits)
  // The files of a config that an environment had once stay: Argo CD would delete what they describe.
  expect(argoCdFilesIn(path)).toMatchObject(argoCdFilesOf(inMemory))
}

/** The snapshot without releases that it knows although nothing needs them any more: a fresh start does not read those. */
function withReleasesOf(snapshot: Snapshot, fresh: Snapshot): Snapshot {
  const applications = [...snapshot.applications].map(([name, application]) => {
    const other = fresh.applications.get(name)
    if (!application.ok || !other?.ok) return [name, application] as const
    const releases = [...application.value.releases].filter(([version]) => other.value.releases.has(version))
    return [name, readable({ ...application.value, releases: new Map(releases) })] as const
  })
  return { ...snapshot, applications: new Map(applications) }
}

function prognosisOf(snapshot: Snapshot, target: string, now: Date): unknown {
  const request = { target, lookup: 'environment-first' as const, team: undefined }
  try {
    return prognoseReleaseTrain(snapshot, request, createUnrestrictedPrincipal(signalbox), now)
  } catch (error) {
    if (error instanceof DomainError) return error.problem
    throw error
  }
}

/** Everything is readable, and every link leads to a release that is there: retention takes none that is needed. */
function assertNothingDangles(snapshot: Snapshot): void {
  for (const environment of snapshot.environments.values()) {
    expect(environment).toMatchObject({ config: { ok: true }, locks: { ok: true }, teamLocks: { ok: true } })
    const applications = environment.applications.ok ? environment.applications.value : undefined
    for (const [name, entry] of applications ?? []) {
      expect(entry).toMatchObject({
        ok: true,
        value: { version: { ok: true }, queuedVersion: { ok: true }, locks: { ok: true } },
      })
      const application = snapshot.applications.get(name)
      // A lock may come before its application.
      if (application === undefined) expect(entry).toMatchObject({ value: { version: { value: undefined } } })
      else if (!application.ok) expect(application).toMatchObject({ ok: true })
      else {
        expect(deployedVersion(environment, application.value)).toMatchObject({ ok: true })
        expect(queuedVersion(environment, application.value)).toMatchObject({ ok: true })
      }
    }
  }
}

/** One commit for each command that reported one, each with another tree than the one before, and our trailers. */
function assertCommits(path: string, commits: readonly { readonly id: string; readonly requestId: string }[]): void {
  const ids = git(['rev-list', '--reverse', 'main'], { cwd: path }).trim().split('\n')
  expect(ids).toEqual(commits.map(({ id }) => id))
  const byGit = git(
    ['log', '--reverse', '-z', '--format=%T %(trailers:key=Signalbox-Request,valueonly,separator=|)', 'main'],
    { cwd: path },
  )
  let before = ''
  for (const [index, line] of byGit.split('\0').filter(Boolean).entries()) {
    const [tree, requestId] = line.split(' ')
    expect(tree).not.toBe(before)
    before = tree ?? ''
    const { id, requestId: submitted } = commits[index] ?? { id: '', requestId: '' }
    const commit = parseCommit(gitBytes(['cat-file', 'commit', id], { cwd: path }))
    expect([requestId, readTrailers(commit, signalbox).get('Signalbox-Request')]).toEqual([submitted, submitted])
    expect(Buffer.byteLength(commit.message)).toBeLessThanOrEqual(16 * 1024)
  }
}

/** As a full render of the state gives them. */
function argoCdFilesOf(snapshot: Snapshot): Record<string, string> {
  const files = [...snapshot.environments.values()].flatMap((environment) =>
    settings.argoCd === undefined ? [] : renderArgoCdFiles(snapshot, environment, {}, settings.argoCd),
  )
  return Object.fromEntries(
    files.map(({ path, content }) => [path, content.kind === 'text' ? content.text : content.kind]),
  )
}

function argoCdFilesIn(path: string): Record<string, string> {
  const names = git(['ls-tree', '-r', '-z', '--name-only', 'main', 'argocd/'], { cwd: path })
    .split('\0')
    .filter(Boolean)
  return Object.fromEntries(names.map((name) => [name, git(['cat-file', 'blob', `main:${name}`], { cwd: path })]))
}
