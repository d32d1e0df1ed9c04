import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import {
  MalformedRefError,
  PathConflictError,
  RefLockedError,
  RefNotDurableError,
} from '../../../src/manifest-store/git/git-errors.ts'
import { fromPortable, toPortable } from '../../../src/manifest-store/git/portable-error.ts'

describe('an error of another thread', () => {
  it.each<[string, Error]>([
    ['a locked ref', new RefLockedError('refs/heads/main', '/r/refs/heads/main.lock', 5000)],
    ['a ref in the way', new PathConflictError('refs/tags/a', 'refs/tags/a/b')],
    ['a broken ref', new MalformedRefError('HEAD', 'it is empty')],
    ['a full disk', new RefNotDurableError('refs/heads/main', Object.assign(new Error('full'), { code: 'ENOSPC' }))],
    ['a bug', new TypeError('undefined is not a function')],
  ])('is what it was there: %s', (_, error) => {
    const arrived = fromPortable(structuredClone(toPortable(error)))
    expect(arrived).toBeInstanceOf(error.constructor)
    expect(arrived).toEqual(error)
    expect(arrived).toMatchObject({ message: error.message, stack: error.stack })
  })

  it('of the file system keeps what was called, and with what', async () => {
    const error: unknown = await readFile('/there/is/no/such/file').catch((reason: unknown) => reason)
    expect(fromPortable(structuredClone(toPortable(error)))).toMatchObject({
      code: 'ENOENT',
      syscall: 'open',
      path: '/there/is/no/such/file',
    })
  })

  it('may be no error at all', () => {
    expect(fromPortable(structuredClone(toPortable('just a text')))).toBe('just a text')
  })
})
