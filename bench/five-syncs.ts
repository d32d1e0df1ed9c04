import { randomBytes } from 'node:crypto'
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** How long it takes to make a commit's bytes durable and do nothing else: pack, index, folder, ref, folder. */
export async function timeFiveSyncs(folder: string, pack: Uint8Array, index: Uint8Array): Promise<number> {
  const packs = join(folder, 'pack')
  const refs = join(folder, 'heads')
  await mkdir(packs, { recursive: true })
  await mkdir(refs, { recursive: true })
  const name = randomBytes(8).toString('hex')
  const begin = performance.now()
  await writeDurably(join(packs, `tmp-${name}`), join(packs, `${name}.pack`), pack)
  await writeDurably(join(packs, `tmp-${name}`), join(packs, `${name}.idx`), index)
  await syncFolder(packs)
  await writeDurably(join(refs, 'main.lock'), join(refs, 'main'), Buffer.alloc(41, 'a'))
  await syncFolder(refs)
  const time = performance.now() - begin
  await rm(join(packs, `${name}.pack`))
  await rm(join(packs, `${name}.idx`))
  return time
}

/**
 * Random bytes of the lengths that the last write's pack and index have, or had: packs are put together now and then, beside the
 * writes. Undefined when it is gone already.
 */
export async function likeLastPack(
  gitDirectory: string,
  since: number,
): Promise<{ readonly pack: Uint8Array; readonly index: Uint8Array } | undefined> {
  const folder = join(gitDirectory, 'objects', 'pack')
  const young: { readonly pack: number; readonly index: number }[] = []
  for (const name of await readdir(folder)) {
    if (!name.startsWith('pack-') || !name.endsWith('.pack')) continue
    try {
      const { mtimeMs, size } = await stat(join(folder, name))
      const index = await stat(join(folder, name.replace(/\.pack$/, '.idx')))
      if (mtimeMs >= since) young.push({ pack: size, index: index.size })
    } catch {
      // It has become part of another one.
    }
  }
  const [smallest] = young.toSorted((a, b) => a.pack - b.pack)
  return smallest && { pack: randomBytes(smallest.pack), index: randomBytes(smallest.index) }
}

async function writeDurably(temporaryPath: string, path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(temporaryPath, 'wx')
  try {
    await file.writeFile(bytes)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(temporaryPath, path)
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
