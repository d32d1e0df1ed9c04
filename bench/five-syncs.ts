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

/** Random bytes of the lengths that the youngest pack of a repository and its index have. */
export async function likeYoungestPack(
  gitDirectory: string,
): Promise<{ readonly pack: Uint8Array; readonly index: Uint8Array }> {
  const folder = join(gitDirectory, 'objects', 'pack')
  let youngest = { path: '', time: 0, size: 0 }
  for (const name of await readdir(folder)) {
    if (!name.endsWith('.pack')) continue
    const path = join(folder, name)
    const { mtimeMs, size } = await stat(path)
    if (mtimeMs > youngest.time) youngest = { path, time: mtimeMs, size }
  }
  const { size: indexSize } = await stat(youngest.path.replace(/\.pack$/, '.idx'))
  return { pack: randomBytes(youngest.size), index: randomBytes(indexSize) }
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
