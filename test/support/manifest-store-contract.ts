import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Change } from '../../src/core/change.ts'
import type { Command, DecisionInput, LoadedEntry } from '../../src/core/command.ts'
import { DomainError } from '../../src/core/errors.ts'
import type { ApplicationName, EnvironmentName } from '../../src/core/names.ts'
import type { ObjectId } from '../../src/core/object-id.ts'
import { createUnrestrictedPrincipal } from '../../src/core/principal.ts'
import type { ReleaseTrainOptions } from '../../src/core/release-train.ts'
import { createReleaseTrain } from '../../src/core/release-train.ts'
import { prognoseReleaseTrain } from '../../src/core/release-train-prognosis.ts'
import type { Snapshot } from '../../src/core/snapshot.ts'
import type { ParsedCommit } from '../../src/manifest-store/git/commit.ts'
import { parseCommit } from '../../src/manifest-store/git/commit.ts'
import { ObjectMissingError, PathConflictError } from '../../src/manifest-store/git/git-errors.ts'
import { createObject } from '../../src/manifest-store/git/git-object.ts'
import { GitManifestStore } from '../../src/manifest-store/git-manifest-store.ts'
import type { CommandRequest } from '../../src/manifest-store/manifest-store.ts'
import type { Repository } from '../../src/manifest-store/repository/repository.ts'
import { readManifestFolder } from '../../src/manifest-store/repository/seed-repository.ts'
import { AbandonedError, StoreConflictError, StoreUnavailableError } from '../../src/manifest-store/store-errors.ts'
import { absent, commitBeside, commitTreeBeside, deployment, environmentLock, file, textOf, toMake } from './changes.ts'
import type { Step } from './random-edits.ts'
import { smallRepository, steps } from './random-edits.ts'
import { createTestStore, fixtureFolder, seed, signalbox, testTime } from './test-store.ts'
import { WatchedRepository } from './watched-repository.ts'
import { writeSettings } from './write-settings.ts'

const deployer = createUnrestrictedPrincipal({ name: 'Deployer', email: 'deployer@example.com' })
const request: CommandRequest = { principal: deployer, requestId: 'request-1' }
const staging = 'staging' as EnvironmentName
const development = 'development' as EnvironmentName
const cart = 'cart' as ApplicationName
const web = 'web' as ApplicationName

export interface ContractOptions {
  /** How many random histories are tried. */
  readonly histories: number
}

/** What every manifest store does, whatever keeps its objects. `createRepository` answers an empty one. */
export function describeManifestStore(
  kind: string,
  { histories }: ContractOptions,
  createRepository: () => Promise<Repository>,
): void {
  async function openEmpty() {
    const repository = new WatchedRepository(await createRepository())
    const log: LogLine[] = []
    const time = { now: testTime }
    const write = (level: string) => (details: object, message: string) => void log.push({ level, details, message })
    const store = new GitManifestStore({
      repository,
      committer: signalbox,
      clock: () => time.now,
      log: { info: write('info'), warn: write('warn'), error: write('error') },
    })
    onTestFinished(async () => {
      repository.beforePublish = () => {}
      if (!repository.isClosed) await store.close()
    })
    return { repository, store, log, time }
  }

  async function openShop() {
    const opened = await openEmpty()
    await seed(opened.repository, shop)
    opened.repository.updates.length = 0
    return opened
  }

  describe(`${kind} without a commit`, () => {
    it('is a snapshot without anything in it', async () => {
      const { store } = await openEmpty()
      expect(await store.snapshot()).toEqual({
        commit: undefined,
        environments: new Map(),
        applications: new Map(),
        problems: [],
      })
      expect(store.health()).toMatchObject({ commit: undefined, isReadable: true, problems: [], waitingCommands: 0 })
      const snapshot = await store.snapshot()
      expect(await store.readReleases(snapshot, cart)).toEqual([])
      expect(await store.readRelease(snapshot, cart, 1n)).toBeUndefined()
      expect(await store.findReleasesOfCommit(snapshot, 'c0ffee0')).toEqual(new Map())
      const history = { environment: staging, application: cart, pageSize: 1, from: undefined }
      expect(await store.readHistory(snapshot, history)).toEqual({ events: [], next: undefined, isTruncated: false })
    })

    it('gets its first commit from the first command, without a parent', async () => {
      const { store, repository } = await openEmpty()
      const { commit } = await store.submit(toMake(environmentLock('staging', 'first')), request)
      expect(commit).toBe(await repository.head())
      expect((await readCommit(repository, commit)).parents).toEqual([])
      expect(locksOf(await store.snapshot())).toEqual(['first'])
    })

    it('still has none after a command that changes nothing', async () => {
      const { store, repository } = await openEmpty()
      expect(await store.submit(toMake([absent('environments/staging')]), request)).toEqual({
        result: 'Change some files',
        commit: undefined,
      })
      expect(await store.submit(toMake([]), request)).toMatchObject({ commit: undefined })
      expect(await repository.head()).toBeUndefined()
    })
  })

  describe(`the shop in ${kind}`, () => {
    it('is in the snapshot with all that its files say', async () => {
      const { store, repository } = await openShop()
      const snapshot = await store.snapshot()
      expect(snapshot.commit).toBe(await repository.head())
      expect(snapshot.problems).toEqual([])
      expect([...snapshot.environments.keys()]).toEqual([
        'development',
        'production-de',
        'production-fr',
        'production-jp',
        'sandbox',
        'staging',
      ])
      expect([...snapshot.applications.keys()]).toEqual([
        'cart',
        'catalog',
        'checkout',
        'inventory',
        'invoicing',
        'returns',
        'shipping',
        'web',
      ])
      expect(snapshot.environments.get(staging)).toMatchObject({
        config: { ok: true, value: { upstream: { environment: 'development', latest: false } } },
        locks: { ok: true, value: new Map() },
      })
      expect([
        ...valueOf(valueOf(snapshot.environments.get(staging)?.teamLocks).get('payments' as never)).keys(),
      ]).toEqual(['acquirer-load-test'])
      expect(deployedIn(snapshot, staging, web)).toBe(3n)
      expect(valueOf(snapshot.applications.get(cart)).versions).toEqual([1n, 2n, 3n, 4n, 5n])
      expect(await store.readReleases(snapshot, cart)).toHaveLength(5)
      expect(store.health()).toMatchObject({
        commit: snapshot.commit,
        isReadable: true,
        problems: [],
        waitingCommands: 0,
      })
    })

    it('is the same object while nothing changes', async () => {
      const { store } = await openShop()
      const first = await store.snapshot()
      expect(await store.snapshot()).toBe(first)
      await store.submit(toMake([]), request)
      expect(await store.snapshot()).toBe(first)
    })
  })

  describe(`a train through ${kind}`, () => {
    it('deploys what its prognosis says, as one commit of the principal', async () => {
      const { store, repository } = await openShop()
      const before = await store.snapshot()
      const prognosis = prognoseReleaseTrain(before, toStaging, deployer, testTime)
      const { result, commit } = await store.submit(aTrain(), request)
      expect(result).toEqual(prognosis)
      expect(traveling(result)).not.toEqual([])

      const after = await store.snapshot()
      expect(after.commit).toBe(commit)
      for (const { application, version } of traveling(result)) {
        expect(deployedIn(after, staging, application)).toBe(version)
      }
      const made = await readCommit(repository, commit)
      expect(made).toMatchObject({
        parents: [before.commit],
        author: {
          name: 'Deployer',
          email: 'deployer@example.com',
          time: new Date('2026-05-04T09:30:00Z'),
          offsetMinutes: 0,
        },
        committer: { ...signalbox, time: new Date('2026-05-04T09:30:00Z') },
      })
      expect(made.message).toMatch(/^Release train to staging: \d+ deployed, \d+ skipped\n\n/)
      expect(made.message.split('\n\n').at(-1)).toBe(
        'Signalbox-Command: release-train\nSignalbox-Target: environment staging\n' +
          'Signalbox-Principal: Deployer <deployer@example.com>\nSignalbox-Request: request-1\n',
      )
      expect(repository.updates).toHaveLength(1)
    })

    it('changes nothing the second time', async () => {
      const { store, repository } = await openShop()
      const { commit } = await store.submit(aTrain(), request)
      const again = await store.submit(aTrain(), request)
      expect(again.commit).toBeUndefined()
      expect(traveling(again.result)).toEqual([])
      expect(await repository.head()).toBe(commit)
      expect(repository.updates).toHaveLength(1)
    })

    it('is refused when its prognosis is no longer accepted, and leaves no trace', async () => {
      const { store, repository } = await openShop()
      const before = await repository.head()
      const refused = store.submit(aTrain({ accepts: () => false }), request)
      await expect(refused).rejects.toMatchObject({ code: 'PROGNOSIS_CHANGED' })
      expect(await repository.head()).toBe(before)
      expect(repository.updates).toEqual([])
    })
  })

  describe(`commands that are submitted at once to ${kind}`, () => {
    it('are decided in order, each on the state that the one before left, each as its own commit', async () => {
      const { store, repository } = await openShop()
      const first = await repository.head()
      const seen: (readonly [ObjectId | undefined, readonly string[]])[] = []
      const submitted = await Promise.all(
        ['a', 'b', 'c', 'd'].map((id) =>
          store.submit(
            aCommand(({ snapshot, principal, now }) => {
              expect([principal, now]).toEqual([deployer, testTime])
              seen.push([snapshot.commit, locksOf(snapshot)])
              return environmentLock('staging', id)
            }),
            { principal: deployer, requestId: `request-${id}` },
          ),
        ),
      )
      const commits = submitted.map(({ commit }) => commit)
      expect(new Set(commits).size).toBe(4)
      expect(seen).toEqual([
        [first, []],
        [commits[0], ['a']],
        [commits[1], ['a', 'b']],
        [commits[2], ['a', 'b', 'c']],
      ])
      const made = await Promise.all(commits.map((commit) => readCommit(repository, commit)))
      expect(made.map(({ parents }) => parents)).toEqual([[first], [commits[0]], [commits[1]], [commits[2]]])
      expect(made.map(({ message }) => /^Signalbox-Request: (.*)$/m.exec(message)?.[1])).toEqual([
        'request-a',
        'request-b',
        'request-c',
        'request-d',
      ])
      expect(repository.updates.map(({ from, to }) => [from, to])).toEqual([[first, commits[3]]])
      expect(await repository.head()).toBe(commits[3])
    })

    it('may write a file where a directory stands: one odd piece does not stop a train', async () => {
      const { store } = await openShop()
      const manifests = 'environments/staging/applications/cart/manifests'
      await store.submit(toMake([absent(manifests), file(`${manifests}/manifests.yaml/odd`, '')]), request)
      const { result, commit } = await store.submit(
        createReleaseTrain({
          request: { target: 'staging', lookup: 'environment-first', team: undefined },
          ciLink: undefined,
          accepts: () => true,
          settings: writeSettings(),
        }),
        request,
      )
      expect(commit).toBeDefined()
      const [first] = result.environments
      expect(first?.outcome).toMatchObject({
        applications: expect.arrayContaining([
          expect.objectContaining({ application: 'cart', outcome: expect.objectContaining({ kind: 'travels' }) }),
        ]),
      })
    })

    it('fail alone, and their neighbours do not notice', async () => {
      const { store, repository } = await openShop()
      const denied = new DomainError({ code: 'UNKNOWN_ENVIRONMENT', environment: 'x' }, 'there is no x')
      const bug = new TypeError('a bug')
      const outcomes = await Promise.allSettled([
        store.submit(toMake(environmentLock('staging', 'a')), request),
        store.submit(failing(denied), request),
        store.submit(failing(bug), request),
        store.submit(toMake([file('environments/staging/config.json/x', 'below a file')]), request),
        store.submit(toMake([file('../outside', '')]), request),
        store.submit(toMake([]), request),
        store.submit(toMake(environmentLock('staging', 'b')), request),
      ])
      expect(outcomes.map(({ status }) => status)).toEqual([
        'fulfilled',
        'rejected',
        'rejected',
        'rejected',
        'rejected',
        'fulfilled',
        'fulfilled',
      ])
      expect(outcomes[1]).toMatchObject({ reason: denied })
      expect(outcomes[2]).toMatchObject({ reason: bug })
      expect(outcomes[3]).toMatchObject({ reason: { code: 'PATH_NOT_WRITABLE' } })
      expect(outcomes[4]).toMatchObject({ reason: { code: 'PATH_NOT_WRITABLE' } })
      expect(outcomes[5]).toMatchObject({ value: { commit: undefined } })
      expect(locksOf(await store.snapshot())).toEqual(['a', 'b'])
      expect(await listCommits(repository)).toHaveLength(3)
    })

    it('are dropped when their caller has left', async () => {
      const { store, repository } = await openShop()
      const gate = holdPublications(repository)
      const first = store.submit(toMake(environmentLock('staging', 'first')), request)
      await gate.reached
      const left = new AbortController()
      const dropped = store.submit(toMake(environmentLock('staging', 'dropped')), { ...request, signal: left.signal })
      const kept = store.submit(toMake(environmentLock('staging', 'kept')), {
        ...request,
        signal: new AbortController().signal,
      })
      left.abort()
      gate.open()
      await expect(dropped).rejects.toThrow(AbandonedError)
      await Promise.all([first, kept])
      expect(locksOf(await store.snapshot())).toEqual(['first', 'kept'])
    })

    it('make up the next batch when they come while one is being written', async () => {
      const { store, repository } = await openShop()
      const gate = holdPublications(repository)
      const all = [store.submit(toMake(environmentLock('staging', '0')), request)]
      await gate.reached
      for (const id of ['1', '2', '3']) all.push(store.submit(toMake(environmentLock('staging', id)), request))
      gate.open()
      const commits = (await Promise.all(all)).map(({ commit }) => commit)
      expect(repository.updates.map(({ to }) => to)).toEqual([commits[0], commits[3]])
      expect(await listCommits(repository)).toHaveLength(5)
    })

    it('get the files that they ask for, as the one before left them', async () => {
      const { store } = await openShop()
      const asked = ['applications/cart/team', 'applications/cart/nothing', 'x/y', 'x/y/z', 'x']
      const loaded: Record<string, string>[] = []
      const reading: Command<string> = {
        reads: ({ snapshot }) => (snapshot.applications.has(cart) ? asked : []),
        decide: (input) => {
          loaded.push(Object.fromEntries([...input.loaded].map(([path, entry]) => [path, describeEntry(entry)])))
          return { changes: [], text: textOf(''), result: '' }
        },
      }
      await Promise.all([
        store.submit(reading, request),
        store.submit(toMake([file('applications/cart/team', 'new'), file('x/y', '1')]), request),
        store.submit(reading, request),
      ])
      expect(loaded).toEqual([
        {
          'applications/cart/team': 'file storefront',
          'applications/cart/nothing': 'nothing',
          'x/y': 'nothing',
          'x/y/z': 'nothing',
          x: 'nothing',
        },
        {
          'applications/cart/team': 'file new',
          'applications/cart/nothing': 'nothing',
          'x/y': 'file 1',
          'x/y/z': 'nothing',
          x: 'directory y 56a6051ca2b02b04ef92d5150c9ef600403cb1de',
        },
      ])
    })

    it('are asked what they need until they need nothing more, links included', async () => {
      const { store } = await openShop()
      const link = 'environments/development/applications/cart/version'
      const following: Command<string> = {
        reads: ({ loaded }) => {
          const entry = loaded.get(link)
          if (entry?.kind !== 'link') return [link]
          return [link, `${entry.target.replace('../../../../', '')}/created_at`]
        },
        decide: ({ loaded }) => ({
          changes: [],
          text: textOf(''),
          result: [...loaded].map(([path, entry]) => `${path}: ${describeEntry(entry)}`).join('\n'),
        }),
      }
      const { result } = await store.submit(following, request)
      expect(result.split('\n')).toEqual([
        expect.stringMatching(/: link (\.\.\/){4}applications\/cart\/releases\/\d+$/),
        expect.stringMatching(/^applications\/cart\/releases\/\d+\/created_at: (file|nothing)/),
      ])
    })
  })

  describe(`the publication of a commit to ${kind}`, () => {
    it('comes before its command is answered, and before anybody sees it', async () => {
      const { store, repository } = await openShop()
      const before = await store.snapshot()
      const gate = holdPublications(repository)
      let isAnswered = false
      const submitted = store.submit(toMake(environmentLock('staging', 'a')), request).then((answer) => {
        isAnswered = true
        return answer
      })
      await gate.reached
      expect(await store.snapshot()).toBe(before)
      expect(store.health().commit).toBe(before.commit)
      await new Promise((resolve) => setTimeout(resolve, 20))
      expect(isAnswered).toBe(false)
      gate.open()
      const { commit } = await submitted
      expect((await store.snapshot()).commit).toBe(commit)
      expect(store.health().commit).toBe(commit)
    })

    it('can fail: then nothing has happened, health says why, and the next command works', async () => {
      const { store, repository, log } = await openShop()
      const before = await store.snapshot()
      repository.beforePublish = () => {
        throw new Error('the disk is full')
      }
      const submitted = await Promise.allSettled([
        store.submit(toMake(environmentLock('staging', 'a')), request),
        store.submit(toMake(environmentLock('staging', 'b')), request),
      ])
      for (const outcome of submitted) {
        expect(outcome).toMatchObject({ status: 'rejected', reason: expect.any(StoreUnavailableError) as unknown })
      }
      expect(await store.snapshot()).toBe(before)
      expect(await repository.head()).toBe(before.commit)
      expect(store.health()).toMatchObject({
        isReadable: true,
        problems: ['the repository could not be written: the disk is full'],
      })
      expect(log.filter(({ level }) => level === 'error')).toHaveLength(1)

      repository.beforePublish = () => {}
      const { commit } = await store.submit(toMake(environmentLock('staging', 'c')), request)
      expect((await readCommit(repository, commit)).parents).toEqual([before.commit])
      expect(locksOf(await store.snapshot())).toEqual(['c'])
      expect(store.health().problems).toEqual([])

      // Nor is what was not written remembered as if it had been.
      await commitBeside(repository, environmentLock('staging', 'a'))
      repository.reads = []
      expect(locksOf(await store.snapshot())).toEqual(['a', 'c'])
      expect(repository.reads).toContain(createObject('blob', Buffer.from('a holds')).id)
    })

    it('can come too late: the commands are decided again on the new head', async () => {
      const { store, repository } = await openShop()
      const meanwhile = beforeNextPublication(repository, (inner) =>
        commitBeside(inner, environmentLock('staging', 'x')),
      )
      const seen: (readonly string[])[] = []
      const answers = await Promise.all(
        ['a', 'b'].map((id) =>
          store.submit(
            aCommand(({ snapshot }) => {
              seen.push(locksOf(snapshot))
              return environmentLock('staging', id)
            }),
            request,
          ),
        ),
      )
      expect(seen).toEqual([[], ['a'], ['x'], ['a', 'x']])
      expect((await readCommit(repository, answers[0]?.commit)).parents).toEqual([await meanwhile])
      expect(await repository.head()).toBe(answers[1]?.commit)
      expect(locksOf(await store.snapshot())).toEqual(['a', 'b', 'x'])
      expect(store.health().problems).toEqual([])
    })

    it('honours a lock that arrived meanwhile', async () => {
      const { store, repository } = await openShop()
      const meanwhile = beforeNextPublication(repository, (inner) =>
        commitBeside(inner, environmentLock('staging', 'x')),
      )
      const { result, commit } = await store.submit(aTrain(), request)
      expect(result.environments).toMatchObject([
        { outcome: { kind: 'skipped', cause: 'ENV_IS_LOCKED', locks: [{ id: 'x' }] } },
      ])
      expect(commit).toBeUndefined()
      expect(await repository.head()).toBe(await meanwhile)
    })

    it('refuses a train whose accepted prognosis no longer holds by then', async () => {
      const { store, repository } = await openShop()
      const accepted = prognoseReleaseTrain(await store.snapshot(), toStaging, deployer, testTime)
      const meanwhile = beforeNextPublication(repository, (inner) =>
        commitBeside(inner, [deployment('development', 'cart', 3)]),
      )
      const accepts: ReleaseTrainOptions['accepts'] = (prognosis) =>
        JSON.stringify(traveling(prognosis), toText) === JSON.stringify(traveling(accepted), toText)
      const refused = store.submit(aTrain({ accepts }), request)
      await expect(refused).rejects.toMatchObject({ code: 'PROGNOSIS_CHANGED', problem: { commit: await meanwhile } })
      expect(await repository.head()).toBe(await meanwhile)
    })

    it('is given up when others move the branch again and again', async () => {
      const { store, repository } = await openShop()
      const before = await store.snapshot()
      repository.beforePublish = () => 'moved'
      await expect(store.submit(toMake(environmentLock('staging', 'a')), request)).rejects.toThrow(StoreConflictError)
      expect(repository.updates.length).toBeGreaterThan(4)
      expect(repository.updates.length).toBeLessThan(50)
      expect(await store.snapshot()).toBe(before)

      repository.beforePublish = () => {}
      await store.submit(toMake(environmentLock('staging', 'b')), request)
      expect(locksOf(await store.snapshot())).toEqual(['b'])
    })
  })

  describe(`somebody else's commit to ${kind}`, () => {
    it('is seen by the next snapshot and by the next command', async () => {
      const { store, repository } = await openShop()
      await store.snapshot()
      const foreign = await commitBeside(repository, environmentLock('staging', 'x'))
      expect(await store.snapshot()).toMatchObject({ commit: foreign })
      expect(locksOf(await store.snapshot())).toEqual(['x'])

      const second = await commitBeside(repository, environmentLock('staging', 'y'))
      const { result, commit } = await store.submit(aTrain(), request)
      expect(result.environments).toMatchObject([{ outcome: { locks: [{ id: 'x' }, { id: 'y' }] } }])
      expect(commit).toBeUndefined()
      expect(await store.snapshot()).toMatchObject({ commit: second })
    })

    it('may take back what was there: the branch is where it is', async () => {
      const { store, repository } = await openShop()
      const { commit: first } = await store.submit(toMake(environmentLock('staging', 'a')), request)
      const { commit: second } = await store.submit(toMake(environmentLock('staging', 'b')), request)
      await repository.publish({ from: second, to: first ?? '', objects: [] })
      expect(locksOf(await store.snapshot())).toEqual(['a'])
      await store.submit(toMake(environmentLock('staging', 'c')), request)
      expect(locksOf(await store.snapshot())).toEqual(['a', 'c'])
    })
  })

  describe(`a problem with ${kind}`, () => {
    it('before the first snapshot is told to whoever asks', async () => {
      const { store, repository } = await openShop()
      repository.beforeHead = breakDown
      await expect(store.snapshot()).rejects.toThrow(StoreUnavailableError)
      await expect(store.submit(aTrain(), request)).rejects.toThrow(StoreUnavailableError)
      expect(store.health()).toMatchObject({
        commit: undefined,
        isReadable: false,
        problems: ['the repository cannot be read: the disk is gone'],
        waitingCommands: 0,
      })
      repository.beforeHead = () => {}
      await store.snapshot()
      expect(store.health()).toMatchObject({ isReadable: true, problems: [] })
    })

    it('later on leaves the last snapshot served, and health says why', async () => {
      const { store, repository, log } = await openShop()
      const last = await store.snapshot()
      repository.beforeHead = breakDown
      expect(await store.snapshot()).toBe(last)
      expect(await store.snapshot()).toBe(last)
      expect(store.health()).toMatchObject({
        commit: last.commit,
        isReadable: true,
        problems: ['the repository cannot be read: the disk is gone'],
        waitingCommands: 0,
      })
      expect(log.filter(({ level }) => level === 'error')).toHaveLength(1)
      await expect(store.submit(toMake(environmentLock('staging', 'a')), request)).rejects.toThrow(
        StoreUnavailableError,
      )

      repository.beforeHead = () => {}
      await store.submit(toMake(environmentLock('staging', 'b')), request)
      expect(locksOf(await store.snapshot())).toEqual(['b'])
      expect(store.health().problems).toEqual([])
    })

    it('with the newest commit leaves the snapshot before it served', async () => {
      const { store, repository } = await openShop()
      const last = await store.snapshot()
      const newest = await commitBeside(repository, environmentLock('staging', 'x'))
      repository.beforeRead = (id) => {
        if (id === newest) throw new ObjectMissingError(id)
      }
      expect(await store.snapshot()).toBe(last)
      expect(store.health().problems).toEqual([`the repository cannot be read: object ${newest} is missing`])
      repository.beforeRead = () => {}
      expect(locksOf(await store.snapshot())).toEqual(['x'])
    })

    it('with one file makes one piece unreadable, which is looked for again after a while, not with each request', async () => {
      const { store, repository, time } = await openShop()
      await store.snapshot()
      await commitBeside(repository, environmentLock('staging', 'x', 'lost'))
      const lost = createObject('blob', Buffer.from('lost')).id
      repository.beforeRead = (id) => {
        if (id === lost) throw new ObjectMissingError(id)
      }
      const broken = await store.snapshot()
      expect(broken.environments.get(staging)).toMatchObject({
        locks: { ok: false, reason: `environments/staging/locks: object ${lost} is missing` },
        config: { ok: true },
      })
      expect((await store.submit(aTrain(), request)).result.environments).toMatchObject([
        { outcome: { cause: 'ENV_UNREADABLE' } },
      ])

      repository.beforeRead = () => {}
      repository.reads = []
      expect(await store.snapshot()).toBe(broken)
      expect(repository.reads).toEqual([])
      time.now = new Date(testTime.getTime() + 5000)
      expect(locksOf(await store.snapshot())).toEqual(['x'])
      const whole = await store.snapshot()
      time.now = new Date(testTime.getTime() + 50_000)
      expect(await store.snapshot()).toBe(whole)
    })

    it('while a command is decided fails that command as unavailable, and the next one works', async () => {
      const { store, repository } = await openShop()
      await store.snapshot()
      repository.beforeRead = breakDown
      const reading: Command<string> = { ...toMake([]), reads: () => ['applications/cart/releases/1/created_at'] }
      await expect(store.submit(reading, request)).rejects.toThrow(StoreUnavailableError)
      repository.beforeRead = (id) => {
        throw new ObjectMissingError(id)
      }
      await expect(store.submit(reading, request)).rejects.toThrow(StoreUnavailableError)
      expect(store.health().problems).toEqual([
        expect.stringMatching(/^the repository cannot be read: object .* missing/),
      ])
      repository.beforeRead = () => {}
      await expect(store.submit(reading, request)).resolves.toMatchObject({ commit: undefined })
      await store.submit(toMake(environmentLock('staging', 'a')), request)
      expect(store.health().problems).toEqual([])
    })

    it('while releases or history are read is told to whoever asked', async () => {
      const { store, repository } = await openShop()
      const snapshot = await store.snapshot()
      repository.beforeRead = breakDown
      await expect(store.readReleases(snapshot, cart)).rejects.toThrow(StoreUnavailableError)
      await expect(store.readRelease(snapshot, cart, 1n)).rejects.toThrow(StoreUnavailableError)
      await expect(store.findReleasesOfCommit(snapshot, 'c0ffee0')).rejects.toThrow(StoreUnavailableError)
      const history = { environment: staging, application: cart, pageSize: 1, from: undefined }
      await expect(store.readHistory(snapshot, history)).rejects.toThrow(StoreUnavailableError)
      const token = { ...history, from: snapshot.commit }
      await expect(store.readHistory(snapshot, token)).rejects.toThrow(StoreUnavailableError)
      repository.beforeRead = () => {}
      expect(await store.readRelease(snapshot, cart, 1n)).toMatchObject({ version: 1n })
      expect(await store.readRelease(snapshot, cart, 9n)).toBeUndefined()
      expect(await store.findReleasesOfCommit(snapshot, 'c0ffee0')).toEqual(new Map())
      expect(await store.readHistory(snapshot, token)).toMatchObject({ events: [{ version: 4n }] })
      expect(await store.readReleases(snapshot, cart)).toHaveLength(5)
    })

    it('of a branch that has disappeared is told, and nothing is begun anew', async () => {
      const { store, repository } = await openShop()
      const last = await store.snapshot()
      repository.beforeHead = () => 'gone'
      expect(await store.snapshot()).toBe(last)
      expect(store.health().problems).toEqual([
        expect.stringMatching(/^the repository cannot be read: branch main has disappeared; it was at [0-9a-f]{40}/),
      ])
      await expect(store.submit(aTrain(), request)).rejects.toThrow('branch main has disappeared')
      expect(repository.updates).toEqual([])
      repository.beforeHead = () => {}
      await store.submit(aTrain(), request)
      expect(store.health().problems).toEqual([])
    })
  })

  describe(`closing ${kind}`, () => {
    it('finishes what was begun, takes nothing more, and gives the repository back', async () => {
      const { store, repository } = await openShop()
      const gate = holdPublications(repository)
      const begun = [store.submit(toMake(environmentLock('staging', 'a')), request)]
      await gate.reached
      begun.push(store.submit(toMake(environmentLock('staging', 'b')), request))
      const closed = store.close()
      await expect(store.submit(aTrain(), request)).rejects.toThrow(StoreUnavailableError)
      expect(repository.isClosed).toBe(false)
      gate.open()
      await Promise.all([...begun, closed])
      expect(repository.isClosed).toBe(true)
      expect(repository.updates).toHaveLength(2)
    })
  })

  describe(`consecutive snapshots of ${kind}`, () => {
    it('share what did not change', async () => {
      const { store } = await openShop()
      const before = await store.snapshot()
      await store.submit(toMake([...environmentLock('staging', 'a'), file('README.md', 'new')]), request)
      const after = await store.snapshot()
      expect(changedKeys(before.environments, after.environments)).toEqual(['staging'])
      expect(after.applications).toBe(before.applications)
      const [old, now] = [before, after].map(({ environments }) => environments.get(staging))
      expect(now?.config).toBe(old?.config)
      expect(now?.teamLocks).toBe(old?.teamLocks)
      expect(now?.applications).toBe(old?.applications)
      expect(now?.locks).not.toBe(old?.locks)
    })

    it('share the applications that a deployment does not touch', async () => {
      const { store } = await openShop()
      const before = await store.snapshot()
      await store.submit(toMake([deployment('development', 'cart', 4)]), request)
      const after = await store.snapshot()
      expect(changedKeys(before.environments, after.environments)).toEqual(['development'])
      const [old, now] = [before, after].map(({ environments }) => valueOf(environments.get(development)?.applications))
      expect(changedKeys(old, now)).toEqual(['cart'])
      expect(changedKeys(before.applications, after.applications)).toEqual([])
    })

    it('share everything but the application that got a release', async () => {
      const { store } = await openShop()
      const before = await store.snapshot()
      const release = 'applications/cart/releases/6/environments/development/manifests.yaml'
      await store.submit(toMake([file(release, 'kind: Deployment')]), request)
      const after = await store.snapshot()
      expect(changedKeys(before.environments, after.environments)).toEqual([])
      expect(changedKeys(before.applications, after.applications)).toEqual(['cart'])
      const [old, now] = [before, after].map(({ applications }) => valueOf(applications.get(cart)).releases)
      expect(changedKeys(old, now)).toEqual([6n])
    })

    it('say what a store says that has only just been opened, whatever happened before', async () => {
      expect.hasAssertions()
      await fc.assert(
        fc.asyncProperty(steps, async (history) => {
          const repository = new WatchedRepository(await createRepository())
          try {
            await seed(repository, smallRepository)
            const store = createTestStore(repository, clockWithLongSteps())
            await store.snapshot()
            for (const step of history) {
              await takeStep(store, repository, step)
              expectToSayTheSame(await store.snapshot(), await createTestStore(repository).snapshot())
            }
          } finally {
            await repository.close()
          }
        }),
        { numRuns: histories },
      )
    })
  })
}

async function takeStep(store: GitManifestStore, repository: WatchedRepository, step: Step): Promise<void> {
  switch (step.kind) {
    case 'commands':
      return submitAll(store, step.batch)
    case 'commands that lose a race':
      void beforeNextPublication(repository, (inner) => commitIfPossible(inner, step.other))
      await submitAll(store, step.batch)
      repository.beforePublish = () => {}
      return
    case 'commands that are not written':
      repository.beforePublish = breakDown
      await submitAll(store, step.batch)
      repository.beforePublish = () => {}
      return
    case 'a foreign commit':
      return commitIfPossible(repository, step.other)
    case 'a revert': {
      const commits = await listCommits(repository)
      await commitTreeBeside(repository, commits[step.to % commits.length]?.tree ?? '')
      return
    }
    case 'a failing read': {
      await commitIfPossible(repository, step.other)
      let countdown = step.read
      repository.beforeRead = (id) => {
        countdown -= 1
        if (countdown !== -1) return
        if (step.as === 'missing') throw new ObjectMissingError(id)
        breakDown()
      }
      await store.snapshot()
      repository.beforeRead = () => {}
    }
  }
}

async function submitAll(store: GitManifestStore, batch: readonly (readonly Change[])[]): Promise<void> {
  await Promise.allSettled(batch.map((changes) => store.submit(toMake(changes), request)))
}

async function commitIfPossible(repository: Repository, changes: readonly Change[]): Promise<void> {
  await commitBeside(repository, changes).catch((error: unknown) => {
    if (!(error instanceof PathConflictError)) throw error
  })
}

/** The snapshot of a store that has lived for long may hold releases that are no longer needed, and nothing else. */
function expectToSayTheSame(snapshot: Snapshot, fresh: Snapshot): void {
  expect(withoutReleases(snapshot)).toEqual(withoutReleases(fresh))
  for (const [name, application] of fresh.applications) {
    if (!application.ok) continue
    const releases = [...valueOf(snapshot.applications.get(name)).releases]
    expect(releases.filter(([version]) => application.value.releases.has(version))).toEqual([
      ...application.value.releases,
    ])
  }
  for (const name of fresh.environments.keys()) {
    const ask = { target: name, lookup: 'environment-first', team: undefined } as const
    const [actual, expected] = [snapshot, fresh].map(
      (of) => prognoseReleaseTrain(of, ask, deployer, testTime).environments,
    )
    expect(actual).toEqual(expected)
  }
}

/** With maps as lists: their order counts. */
function withoutReleases(snapshot: Snapshot): unknown {
  return {
    ...snapshot,
    environments: [...snapshot.environments].map(([name, environment]) => [
      name,
      { ...environment, applications: environment.applications.ok ? [...environment.applications.value] : environment },
    ]),
    applications: [...snapshot.applications].map(([name, application]) => [
      name,
      application.ok ? { ...application.value, releases: undefined } : application,
    ]),
  }
}

interface LogLine {
  readonly level: string
  readonly details: object
  readonly message: string
}

const shop = await readManifestFolder(fixtureFolder)
const toStaging = { target: 'staging', lookup: 'environment-first', team: undefined } as const

function aTrain(options: Partial<ReleaseTrainOptions> = {}) {
  return createReleaseTrain({
    request: toStaging,
    ciLink: undefined,
    accepts: () => true,
    settings: writeSettings({ argoCd: { repositoryUrl: 'https://example.com/manifests.git', branch: 'main' } }),
    ...options,
  })
}

function aCommand(decide: (input: DecisionInput) => ReturnType<typeof environmentLock>): Command<undefined> {
  return {
    reads: () => [],
    decide: (input) => ({ changes: decide(input), text: textOf('Change something'), result: undefined }),
  }
}

function failing(error: Error): Command<undefined> {
  return aCommand(() => {
    throw error
  })
}

/** A clock on which so much time passes between two looks that whatever could not be read is tried again. */
function clockWithLongSteps(): () => Date {
  let time = testTime.getTime()
  return () => new Date((time += 60_000))
}

function breakDown(): never {
  throw Object.assign(new Error('the disk is gone'), { code: 'EIO', syscall: 'read' })
}

function traveling(prognosis: ReturnType<typeof prognoseReleaseTrain>) {
  return prognosis.environments.flatMap(({ outcome }) =>
    outcome.kind === 'skipped'
      ? []
      : outcome.applications.flatMap(({ application, outcome: of }) =>
          of.kind === 'travels' ? [{ application, version: of.release.version }] : [],
        ),
  )
}

function toText(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value
}

/** The ids of the locks on staging. */
function locksOf(snapshot: Snapshot): readonly string[] {
  return [...valueOf(snapshot.environments.get(staging)?.locks).keys()]
}

function deployedIn(snapshot: Snapshot, environment: EnvironmentName, application: ApplicationName) {
  return valueOf(valueOf(valueOf(snapshot.environments.get(environment)?.applications).get(application)).version)
}

function valueOf<T>(piece: { ok: true; value: T } | { ok: false; reason: string } | undefined): T {
  if (piece === undefined) throw new Error('it is not there')
  if (!piece.ok) throw new Error(piece.reason)
  return piece.value
}

/** The keys whose values are not the same object in both. */
function changedKeys<K>(before: ReadonlyMap<K, unknown> | undefined, after: ReadonlyMap<K, unknown> | undefined): K[] {
  const keys = new Set([...(before?.keys() ?? []), ...(after?.keys() ?? [])])
  return [...keys].filter((key) => before?.get(key) !== after?.get(key))
}

async function readCommit(repository: Repository, commit: ObjectId | undefined): Promise<ParsedCommit> {
  const { type, data } = await repository.read(commit ?? '')
  expect(type).toBe('commit')
  return parseCommit(data)
}

/** All commits of the branch, the newest first. */
async function listCommits(repository: Repository): Promise<readonly ParsedCommit[]> {
  const commits: ParsedCommit[] = []
  for (let id = await repository.head(); id !== undefined;) {
    const commit = await readCommit(repository, id)
    commits.push(commit)
    id = commit.parents[0]
  }
  return commits
}

/** Holds every publication up until `open` is called; `reached` resolves when the first one waits. */
function holdPublications(repository: WatchedRepository): { reached: Promise<void>; open: () => void } {
  let open: () => void = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  const reached = new Promise<void>((resolve) => {
    repository.beforePublish = () => {
      resolve()
      return opened
    }
  })
  return { reached, open }
}

/** Does something just before the next publication, and only then. Resolves to what that answered. */
function beforeNextPublication<T>(
  repository: WatchedRepository,
  meanwhile: (inner: Repository) => Promise<T>,
): Promise<T> {
  return new Promise((resolve) => {
    repository.beforePublish = async () => {
      repository.beforePublish = () => {}
      resolve(await meanwhile(repository))
    }
  })
}

function describeEntry(entry: LoadedEntry): string {
  switch (entry?.kind) {
    case undefined:
      return 'nothing'
    case 'file':
      return `file ${Buffer.from(entry.bytes).toString()}`
    case 'link':
      return `link ${entry.target}`
    case 'directory':
      return `directory ${[...entry.entries].map(([name, id]) => `${name} ${id}`).join(', ')}`
  }
}
