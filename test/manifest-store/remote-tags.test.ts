import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createUnrestrictedPrincipal } from '../../src/core/principal.ts'
import { prognoseReleaseTrain } from '../../src/core/release-train-prognosis.ts'
import { createReleaseTrain } from '../../src/core/release-train.ts'
import type { GitManifestStore } from '../../src/manifest-store/git-manifest-store.ts'
import { PushRefusedError } from '../../src/manifest-store/store-errors.ts'
import { absent, deployment, environmentLock, file, toMake } from '../support/changes.ts'
import { transports } from '../support/git-remotes.ts'
import { createTemporaryFolder, git, gitEnvironment } from '../support/real-git.ts'
import { openServedStore, seedServed, subjectsOn } from '../support/served-store.ts'
import { testTime } from '../support/test-store.ts'
import { writeSettings } from '../support/write-settings.ts'

const principal = createUnrestrictedPrincipal({ name: 'Deployer', email: 'deployer@example.com' })
const request = { principal, requestId: 'request-1' }
const begin = 'Begin the manifest repository'
const release = 'applications/cart/releases/5'

interface Tags {
  readonly gitTag?: string
  readonly sourceGitTag?: string
}

function toStaging(tags: Tags) {
  return { target: 'staging', lookup: 'environment-first', team: undefined, ...tags } as const
}

const train = (tags: Tags, accepts: () => boolean = () => true) =>
  createReleaseTrain({ request: toStaging(tags), ciLink: undefined, accepts, settings: writeSettings() })

async function prognose(store: GitManifestStore, tags: Tags) {
  const known = await store.readTags({ created: tags.gitTag, source: tags.sourceGitTag })
  return prognoseReleaseTrain(await store.snapshot(), toStaging(tags), principal, testTime, known)
}

/** A later release takes the place of one, which is removed. */
const replaceRelease = toMake([
  file('applications/cart/releases/9/environments/staging/manifests.yaml', 'a: 9\n'),
  file('applications/cart/releases/9/environments/development/manifests.yaml', 'a: 9\n'),
  deployment('development', 'cart', 9),
  absent(release),
])

for (const { name, isHere, serve } of transports) {
  describe.runIf(isHere)(`a train with a tag, on a git server over ${name}`, () => {
    async function openShop() {
      const served = await serve()
      await seedServed(served.repository)
      const onServer = (...args: string[]) =>
        git(['-C', served.repository, ...args], { env: gitEnvironment() }).trimEnd()
      const open = (remote = {}) => openServedStore(served.url, { remote: { ...served.options, ...remote } })
      return { served, open, onServer }
    }

    it('brings tag and branch together, for plain git, too', async () => {
      const { served, open, onServer } = await openShop()
      const { store } = await open()
      const { commit } = await store.submit(train({ gitTag: 'trains/1' }), request)
      expect(onServer('for-each-ref', '--format=%(refname) %(objectname)')).toBe(
        `refs/heads/main ${commit}\nrefs/tags/trains/1 ${commit}`,
      )
      const clone = join(createTemporaryFolder(), 'plain')
      git(['clone', '--quiet', '--branch', 'trains/1', served.repository, clone])
      expect(git(['-C', clone, 'rev-parse', 'HEAD']).trim()).toBe(commit)
      await expect(store.submit(train({ gitTag: 'trains/1' }), request)).rejects.toMatchObject({
        code: 'TAG_EXISTS',
      })
    })

    it('leaves the branch where it is when the server refuses the tag', async () => {
      const { served, open, onServer } = await openShop()
      const { store, repository } = await open()
      const before = onServer('for-each-ref')
      // This hook is asked for each ref: the branch alone it would let pass.
      const hook = join(served.repository, 'hooks/update')
      writeFileSync(hook, '#!/bin/sh\ncase $1 in refs/tags/*) echo "no tags today"; exit 1;; esac\n')
      chmodSync(hook, 0o755)
      const refused = store.submit(train({ gitTag: 'v1' }), request)
      await expect(refused).rejects.toThrow(PushRefusedError)
      await expect(refused).rejects.toThrow(/no tags today|hook declined/)
      expect(onServer('for-each-ref')).toBe(before)
      expect(repository.problems).toEqual([])
      await store.submit(toMake(environmentLock('staging', 'a')), request)
      expect(subjectsOn(served.repository)).toEqual([begin, expect.any(String)])
    })

    it('is refused, and nothing of it pushed, when somebody creates the tag between decision and push', async () => {
      const { served, open, onServer } = await openShop()
      const { store } = await open()
      let decisions = 0
      const late = train({ gitTag: 'v1' }, () => {
        decisions += 1
        if (decisions === 1) onServer('tag', 'v1', 'main')
        return true
      })
      const [refused, other] = await Promise.allSettled([
        store.submit(late, request),
        store.submit(toMake(environmentLock('staging', 'a'), 'Lock a'), request),
      ])
      expect(decisions).toBe(1)
      expect(refused).toMatchObject({ status: 'rejected', reason: { code: 'TAG_EXISTS' } })
      expect(other.status).toBe('fulfilled')
      expect(subjectsOn(served.repository)).toEqual([begin, 'Lock a'])
      expect(onServer('rev-parse', 'v1')).toBe(onServer('rev-parse', 'main~1'))
    })

    // What is fetched for it is git's matter, over any transport.
    // How a server is asked for old commits is git's matter, and the same over each.
    const replays = name === 'http' ? ['further back than the copy goes', 'on no branch at all'] : []
    it.each(replays)(
      'replays a commit that is %s, as its prognosis says, and answers again on another replica',
      async (where) => {
        const { open, onServer } = await openShop()
        const { store } = await open()
        const wasTree = onServer('rev-parse', `main:${release}`)
        const start = onServer('rev-parse', 'main')
        const person = ['-c', 'user.name=Other', '-c', 'user.email=other@example.com']
        const tagged =
          where === 'on no branch at all' ? onServer(...person, 'commit-tree', `${start}^{tree}`, '-m', 'Aside') : start
        onServer('tag', 'v1', tagged)
        await store.submit(replaceRelease, request)
        for (const id of ['a', 'b', 'c']) {
          await store.submit(toMake([...environmentLock('production', id)], `Lock ${id}`), request)
        }

        const tags = { sourceGitTag: 'v1', gitTag: 'replays/1' }
        const shallow = await open({ cloneDepth: 2 })
        const prognosis = await prognose(shallow.store, tags)
        const asked = { ...request, idempotency: { key: 'key-1', request: 'replay' } }
        const first = await shallow.store.submit(train(tags), asked)
        expect(first.result).toEqual(prognosis)
        expect(onServer('rev-parse', `main:${release}`)).toBe(wasTree)
        expect(onServer('show', 'main:environments/staging/applications/cart/version')).toBe(`../../../../${release}`)
        expect(onServer('rev-parse', 'replays/1')).toBe(first.commit)
        expect(onServer('fsck', '--strict')).toBe('')

        const another = await open({ cloneDepth: 3 })
        expect(await another.store.submit(train(tags), asked)).toEqual({ ...first, isRepeated: true })
        expect(onServer('rev-parse', 'main')).toBe(first.commit)
      },
    )
  })
}
