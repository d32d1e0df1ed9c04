import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { rename } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { commitFiles, createCommitPack, headOf } from '../../support/push-to.ts'
import { transports } from '../../support/git-remotes.ts'
import { git } from '../../support/real-git.ts'

const main = 'refs/heads/main'
const manifest = 'kind: Deployment\n'.repeat(500)
const missing = 'c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00'

describe.each(transports)('a remote over $name', ({ isHere, serve }) => {
  describe.runIf(isHere)('to read', () => {
    it('is cloned without large files, and without what lies further back', async () => {
      const { repository, open } = await serve()
      commitFiles(repository, { config: '{}' }, { message: 'First' })
      const second = commitFiles(repository, { config: '{"a": 1}', manifest }, { message: 'Second' })
      const third = commitFiles(repository, { config: '{"a": 2}', manifest }, { message: 'Third' })
      git(['-C', repository, 'tag', 'v1', second])
      const { remote, clone } = open({ cloneDepth: 2 })
      await remote.clone(clone, undefined)
      expect(git(['-C', clone, 'log', '--format=%H', 'main']).trim().split('\n')).toEqual([third, second])
      expect(git(['-C', clone, 'cat-file', '-p', 'main:config'])).toBe('{"a": 2}')
      expect(localObjects(clone)).not.toContain(idOf(repository, 'main:manifest'))
      expect(git(['-C', clone, 'for-each-ref', '--format=%(refname)']).trim()).toBe(main)
      expect(git(['-C', clone, 'symbolic-ref', 'HEAD']).trim()).toBe(main)
    })

    it('is cloned as a whole where nothing is filtered', async () => {
      const { repository, open } = await serve()
      commitFiles(repository, { config: '{}' })
      commitFiles(repository, { config: '{}', manifest })
      const { remote, clone, log } = open({ cloneFilter: undefined, cloneDepth: undefined })
      await remote.clone(clone, 'main')
      expect(git(['-C', clone, 'log', '--format=%H', 'main']).trim().split('\n')).toHaveLength(2)
      // What comes later is a pack, too: nobody would clear loose files away.
      commitFiles(repository, { config: '{"a": 1}', manifest })
      await remote.fetch('main')
      expect(git(['-C', clone, 'count-objects', '-v'])).toMatch(/^count: 0$[^]*^packs: 2$/m)
      expect(localObjects(clone)).toContain(idOf(repository, 'main:manifest'))
      expect(log).toEqual([])
    })

    it('is cloned with a line in the log where the server does not filter', async () => {
      const { repository, open } = await serve()
      git(['-C', repository, 'config', 'uploadpack.allowFilter', 'false'])
      commitFiles(repository, { manifest })
      const { remote, clone, log } = open()
      await remote.clone(clone, 'main')
      expect(localObjects(clone)).toContain(idOf(repository, 'main:manifest'))
      expect(log.map(({ message }) => message)).toEqual([expect.stringContaining('the server does not filter')])
    })

    it('is cloned with a line in the log where the server refuses this filter', async () => {
      const { repository, open } = await serve()
      git(['-C', repository, 'config', 'uploadpackfilter.allow', 'false'])
      commitFiles(repository, { manifest })
      const { remote, clone, log } = open()
      await remote.clone(clone, 'main')
      expect(localObjects(clone)).toContain(idOf(repository, 'main:manifest'))
      expect(log.map(({ message }) => message)).toEqual([expect.stringContaining('the server does not filter')])
    })

    it('is cloned when it has no commit yet', async () => {
      const { open } = await serve()
      const { remote, clone } = open()
      await remote.clone(clone, undefined)
      expect(git(['-C', clone, 'symbolic-ref', 'HEAD']).trim()).toBe(main)
      expect(await remote.fetch('main')).toBeUndefined()
    })

    it('is cloned for a branch that it does not have only when it has none at all', async () => {
      const { repository, open } = await serve()
      const { remote, clone } = open()
      await remote.clone(clone, 'trunk')
      expect(git(['-C', clone, 'symbolic-ref', 'HEAD']).trim()).toBe('refs/heads/trunk')
      commitFiles(repository, { config: '{}' })
      const other = open()
      await expect(other.remote.clone(other.clone, 'trunk')).rejects.toThrow(/has no branch 'trunk'; it has: main\./)
      expect(existsSync(other.clone)).toBe(false)
    })

    it('is not cloned when there is no repository, and leaves nothing', async () => {
      const { repository, open } = await serve()
      commitFiles(repository, { config: '{}' })
      const { remote, clone } = open()
      await rename(repository, `${repository}-gone`)
      await expect(remote.clone(clone, 'main')).rejects.toMatchObject({ code: 'REMOTE_NOT_FOUND' })
      expect(existsSync(clone)).toBe(false)
    })

    it('is fetched from: what is new, and what was moved by force, and what is gone', async () => {
      const { repository, open } = await serve()
      const first = commitFiles(repository, { config: '{}' })
      const { remote, clone } = open()
      await remote.clone(clone, 'main')
      expect(await remote.fetch('main')).toBe(first)
      const second = commitFiles(repository, { config: '{}', manifest })
      expect(await remote.fetch('main')).toBe(second)
      expect(headOf(clone, 'refs/remotes/origin/main')).toBe(second)
      expect(headOf(clone)).toBe(first)
      expect(localObjects(clone)).not.toContain(idOf(repository, 'main:manifest'))
      git(['-C', repository, 'update-ref', main, first])
      expect(await remote.fetch('main')).toBe(first)
      git(['-C', repository, 'update-ref', '-d', main])
      expect(await remote.fetch('main')).toBeUndefined()
      expect(headOf(clone, 'refs/remotes/origin/main')).toBeUndefined()
    })

    it('gives single objects: a blob, a tree, a commit that lies further back without those before it', async () => {
      const { repository, open } = await serve()
      const first = commitFiles(repository, { config: '1' })
      const second = commitFiles(repository, { config: '2', manifest: `${manifest}old` })
      commitFiles(repository, { config: '3', manifest })
      const { remote, clone } = open({ cloneDepth: 1 })
      await remote.clone(clone, 'main')
      const blob = idOf(repository, 'main:manifest')
      expect(localObjects(clone)).not.toContain(blob)
      await remote.fetchObjects([blob])
      expect(localObjects(clone)).toContain(blob)
      await remote.fetchObjects([second])
      expect(localObjects(clone)).toEqual(expect.arrayContaining([second, idOf(repository, `${second}^{tree}`)]))
      expect(localObjects(clone)).not.toContain(first)
      const tree = idOf(repository, `${first}^{tree}`)
      await remote.fetchObjects([tree])
      expect(localObjects(clone)).toEqual(expect.arrayContaining([tree, idOf(repository, `${first}:config`)]))
      // What it has already is no harm.
      await remote.fetchObjects([blob, tree])
      // History still ends where the clone does.
      expect(git(['-C', clone, 'log', '--format=%H', 'main']).trim().split('\n')).toHaveLength(1)
      git(['-C', clone, 'fsck', '--strict'])
    })

    it('says that it has no such object', async () => {
      const { repository, open } = await serve()
      commitFiles(repository, { config: '{}' })
      const { remote, clone } = open()
      await remote.clone(clone, 'main')
      await expect(remote.fetchObjects([missing])).rejects.toMatchObject({ code: 'REMOTE_REFUSED' })
    })

    it('lists its refs by their beginnings, tags with what they point to', async () => {
      const { repository, open } = await serve()
      const first = commitFiles(repository, { config: '{}' })
      git(['-C', repository, 'tag', 'light', first])
      git(['-C', repository, 'tag', '-a', '-m', 'words', 'heavy', first])
      git(['-C', repository, 'update-ref', 'refs/other/x', first])
      const { remote } = open()
      const tag = headOf(repository, 'refs/tags/heavy')
      expect(Object.fromEntries(await remote.listRefs(['refs/heads/', 'refs/tags/']))).toEqual({
        [main]: { id: first },
        'refs/tags/light': { id: first },
        'refs/tags/heavy': { id: tag, peeled: first },
      })
      expect([...(await remote.listRefs(['refs/tags/l'])).keys()]).toEqual(['refs/tags/light'])
      expect([...(await remote.listRefs([main, 'refs/other/'])).keys()]).toEqual([main, 'refs/other/x'])
      expect([...(await remote.listRefs([''])).keys()]).toContain('HEAD')
    })

    it('does what it is asked at once, one after the other', async () => {
      const { repository, open } = await serve()
      const first = commitFiles(repository, { config: '{}', manifest })
      const { remote, clone } = open()
      await remote.clone(clone, 'main')
      const second = commitFiles(repository, { config: '2', manifest })
      const results = await Promise.all([
        remote.fetch('main'),
        remote.fetchObjects([idOf(repository, 'main:manifest')]),
        remote.fetchObjects([first]),
        remote.fetch('main'),
      ])
      expect(results).toEqual([second, undefined, undefined, second])
    })
  })

  describe.runIf(isHere)('to write', () => {
    it('takes a push, the first one too', async () => {
      const { repository, open } = await serve()
      const { remote } = open()
      const first = await createCommitPack(undefined)
      expect(await remote.push([{ ref: main, from: undefined, to: first.commit }], first.pack)).toEqual({
        kind: 'accepted',
      })
      const second = await createCommitPack(first.commit, 'more\n')
      expect(await remote.push([{ ref: main, from: first.commit, to: second.commit }], second.pack)).toEqual({
        kind: 'accepted',
      })
      expect(headOf(repository)).toBe(second.commit)
      expect(git(['-C', repository, 'cat-file', '-p', 'main:file'])).toBe('more\n')
      git(['-C', repository, 'fsck', '--strict'])
    })

    it('takes a large pack', async () => {
      const { repository, open } = await serve()
      const { commit, pack } = await createCommitPack(undefined, randomBytes(3_000_000))
      expect(await open().remote.push([{ ref: main, from: undefined, to: commit }], pack)).toEqual({ kind: 'accepted' })
      expect(headOf(repository)).toBe(commit)
    })

    it('takes a push of a clone that is shallow and filtered', async () => {
      const { repository, open } = await serve()
      commitFiles(repository, { config: '1', manifest })
      const head = commitFiles(repository, { config: '2', manifest })
      const { remote, clone } = open({ cloneDepth: 1 })
      await remote.clone(clone, 'main')
      const { commit, pack } = await createCommitPack(head)
      expect(await remote.push([{ ref: main, from: head, to: commit }], pack)).toEqual({ kind: 'accepted' })
      expect(await remote.fetch('main')).toBe(commit)
    })

    it.each(['before', 'after a push of ours'])('says that somebody else was faster, %s', async (when) => {
      const { repository, open } = await serve()
      const { remote } = open()
      let known = commitFiles(repository, { config: '1' })
      if (when !== 'before') {
        const { commit, pack } = await createCommitPack(known)
        await remote.push([{ ref: main, from: known, to: commit }], pack)
        known = commit
      }
      const theirs = commitFiles(repository, { config: '2' })
      const late = await createCommitPack(known, 'late\n')
      expect(await remote.push([{ ref: main, from: known, to: late.commit }], late.pack)).toMatchObject({
        kind: 'moved',
      })
      expect(await remote.push([{ ref: main, from: undefined, to: late.commit }], late.pack)).toMatchObject({
        kind: 'moved',
      })
      expect(headOf(repository)).toBe(theirs)
      const again = await createCommitPack(theirs, 'again\n')
      expect(await remote.push([{ ref: main, from: theirs, to: again.commit }], again.pack)).toEqual({
        kind: 'accepted',
      })
    })

    it('takes one of several pushes at once, and tells the others', async () => {
      const { repository, open } = await serve()
      const head = commitFiles(repository, { config: '1' })
      const pushes = await Promise.all(['a', 'b', 'c', 'd'].map((name) => createCommitPack(head, name)))
      const outcomes = await Promise.all(
        pushes.map(({ commit, pack }) => open().remote.push([{ ref: main, from: head, to: commit }], pack)),
      )
      expect(outcomes.map(({ kind }) => kind).toSorted()).toEqual(['accepted', 'moved', 'moved', 'moved'])
      expect(headOf(repository)).toBe(pushes[outcomes.findIndex(({ kind }) => kind === 'accepted')]?.commit)
    })

    it('moves a branch and makes a tag together, or neither', async () => {
      const { repository, open } = await serve()
      const { remote } = open()
      const first = commitFiles(repository, { config: '1' })
      const { commit, pack } = await createCommitPack(first)
      const both = (tag: string) => [
        { ref: main, from: first, to: commit },
        { ref: tag, from: undefined, to: commit },
      ]
      git(['-C', repository, 'tag', 'taken', first])
      expect(await remote.push(both('refs/tags/taken'), pack)).toMatchObject({ kind: 'moved' })
      expect(headOf(repository)).toBe(first)
      expect(await remote.push(both('refs/tags/new'), pack)).toEqual({ kind: 'accepted' })
      expect([headOf(repository), headOf(repository, 'refs/tags/new')]).toEqual([commit, commit])
      git(['-C', repository, 'tag', 'taken-later', first])
      const next = await createCommitPack(commit, 'next\n')
      const late = [
        { ref: main, from: commit, to: next.commit },
        { ref: 'refs/tags/taken-later', from: undefined, to: next.commit },
      ]
      expect(await remote.push(late, next.pack)).toMatchObject({ kind: 'moved' })
      expect([headOf(repository), headOf(repository, 'refs/tags/taken-later')]).toEqual([commit, first])
    })

    it('does not move several refs where the server cannot do that together', async () => {
      const { repository, open } = await serve()
      git(['-C', repository, 'config', 'receive.advertiseAtomic', 'false'])
      const { commit, pack } = await createCommitPack(undefined)
      const updates = [
        { ref: main, from: undefined, to: commit },
        { ref: 'refs/tags/new', from: undefined, to: commit },
      ]
      expect(await open().remote.push(updates, pack)).toEqual({
        kind: 'refused',
        reason: expect.stringContaining('several refs together') as string,
      })
      expect(headOf(repository)).toBeUndefined()
    })
  })
})

function idOf(repository: string, name: string): string {
  return git(['-C', repository, 'rev-parse', name]).trim()
}

/** Without asking the server for what is missing. */
function localObjects(clone: string): readonly string[] {
  return git(['-C', clone, 'cat-file', '--batch-all-objects', '--batch-check=%(objectname)']).trim().split('\n')
}
