import { constants } from 'node:fs'
import * as elsewhere from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Disk } from '../../../src/manifest-store/git/disk.ts'
import { diskHere } from '../../../src/manifest-store/git/disk.ts'
import { createTemporaryFolder } from '../../support/real-git.ts'

/** What a write does with a disk, and what can go wrong with it: each with what it answers, or the code of its error. */
async function useAll(disk: Disk, folder: string): Promise<readonly unknown[]> {
  const at = (name: string) => join(folder, name)
  const seen: unknown[] = []
  const note = async (what: string, call: Promise<unknown>) => {
    seen.push([what, await call.catch(({ code, syscall }: NodeJS.ErrnoException) => ({ code, syscall }))])
  }
  await note('mkdir', disk.mkdir(at('a')))
  await note('mkdir again', disk.mkdir(at('a')))
  await note(
    'mkdir deep',
    disk.mkdir(at('a/b/c'), { recursive: true }).then(() => 'made'),
  )
  await note('writeFile', disk.writeFile(at('keep'), 'text', { flag: 'wx', mode: 0o444 }))
  await note('writeFile again', disk.writeFile(at('keep'), 'text', { flag: 'wx' }))
  await note('append', disk.appendFile(at('keep-not'), 'x', { flag: constants.O_WRONLY | constants.O_APPEND }))
  await note('read', disk.readFile(at('keep'), 'utf8'))
  await note('read nothing', disk.readFile(at('nothing'), 'utf8'))
  const file = await disk.open(at('file'), 'wx', 0o644)
  await note('write', file.writeFile('some content'))
  await note('write bytes', file.writeFile(Buffer.from(' and more')))
  await note('sync', file.sync())
  await note('utimes', file.utimes(new Date(1000), new Date(2000)))
  const opened = await file.stat({ bigint: true })
  const standing = await disk.lstat(at('file'), { bigint: true })
  seen.push(['stat', opened.size, opened.mtimeMs, opened.ino === standing.ino])
  await note('close', file.close())
  await note(
    'open again',
    disk.open(at('file'), 'wx').then(() => 'opened'),
  )
  await note('link', disk.link(at('file'), at('linked')))
  await note('link again', disk.link(at('file'), at('linked')))
  await note('rename', disk.rename(at('linked'), at('a/b/renamed')))
  await note('rename nothing', disk.rename(at('linked'), at('a/b/renamed')))
  await note(
    'stat',
    disk.stat(at('a/b/renamed')).then(({ size }) => size),
  )
  await note(
    'readdir',
    disk
      .readdir(folder, { withFileTypes: true })
      .then((entries) => entries.map((one) => [one.name, one.isDirectory()])),
  )
  await note('rmdir', disk.rmdir(at('a')))
  await note('rm', disk.rm(at('file')))
  await note('rm nothing', disk.rm(at('file'), { force: true }))
  await note('rmdir c', disk.rmdir(at('a/b/c')))
  return seen
}

describe('calls to the file system that are made at once', () => {
  it('do and answer what those of Node do, and fail as they do', async () => {
    const expected = await useAll(elsewhere, createTemporaryFolder())
    expect(await useAll(diskHere, createTemporaryFolder())).toEqual(expected)
    expect(expected).toContainEqual(['mkdir again', { code: 'EEXIST', syscall: 'mkdir' }])
  })
})
