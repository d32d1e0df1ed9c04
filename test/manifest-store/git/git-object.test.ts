import { describe, expect, it } from 'vitest'
import type { ObjectType } from '../../../src/manifest-store/git/git-object.ts'
import { emptyBlobId } from '../../../src/core/object-id.ts'
import { createObject, emptyTreeId, isObjectId } from '../../../src/manifest-store/git/git-object.ts'
import { createBareRepository, git, hasGit } from '../../support/real-git.ts'

describe('createObject', () => {
  it('knows the ids of the empty file and the empty tree', () => {
    expect(createObject('blob', new Uint8Array()).id).toBe(emptyBlobId)
    expect(createObject('tree', new Uint8Array()).id).toBe(emptyTreeId)
  })

  it.runIf(hasGit)('gives the ids that git gives, whatever the type', () => {
    const cwd = createBareRepository()
    const data = Buffer.from([0, 1, 0xff, 0x0a])
    for (const type of ['blob', 'tree', 'commit', 'tag'] satisfies ObjectType[]) {
      const args = ['hash-object', '-t', type, '--literally', '--stdin']
      expect(createObject(type, data).id).toBe(git(args, { cwd, input: data }).trim())
    }
  })
})

describe('isObjectId', () => {
  it('accepts 40 lower-case hex digits and nothing else', () => {
    expect(isObjectId(emptyTreeId)).toBe(true)
    const others = [
      '',
      emptyTreeId.slice(1),
      `${emptyTreeId}0`,
      emptyTreeId.toUpperCase(),
      `${emptyTreeId}\n`,
      'g'.repeat(40),
    ]
    expect(others.filter(isObjectId)).toEqual([])
  })
})
