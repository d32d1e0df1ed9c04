import { open, readFile, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { hasCode } from './durable-file.ts'

/** What a name of ours for a file that is being written begins with, after git's `tmp_pack_` and `tmp_idx_`. */
export const ownTemporaryFile = 'signalbox_'

export function packFolder(gitDirectory: string): string {
  return join(gitDirectory, 'objects', 'pack')
}

/** The names in a folder; none when there is no such folder. */
export async function listFolder(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return []
    throw error
  }
}

/** The packs of a repository by name, without ending, each with the endings of its files. Whole ones only. */
export async function listPacks(gitDirectory: string): Promise<Map<string, ReadonlySet<string>>> {
  const packs = new Map<string, Set<string>>()
  for (const file of await listFolder(packFolder(gitDirectory))) {
    const [, name, ending] = /^(pack-[^.]+)\.(\w+)$/.exec(file) ?? []
    if (name === undefined || ending === undefined) continue
    const endings = packs.get(name)
    if (endings === undefined) packs.set(name, new Set([ending]))
    else endings.add(ending)
  }
  for (const [name, endings] of packs) if (!endings.has('pack') || !endings.has('idx')) packs.delete(name)
  return packs
}

export interface PackSize {
  readonly name: string
  readonly objects: number
  readonly bytes: number
  /** When its newest object was written, in milliseconds. */
  readonly modified: number
}

/** Undefined when the pack has vanished, or has no index that could be one. */
export async function measurePack(gitDirectory: string, name: string): Promise<PackSize | undefined> {
  const path = join(packFolder(gitDirectory), name)
  try {
    const { size, mtimeMs } = await stat(`${path}.pack`)
    const index = await open(`${path}.idx`, 'r')
    try {
      // The last row of the fanout: how many objects there are.
      const { bytesRead, buffer } = await index.read(Buffer.alloc(4), 0, 4, 8 + 255 * 4)
      return bytesRead < 4 ? undefined : { name, objects: buffer.readUInt32BE(0), bytes: size, modified: mtimeMs }
    } finally {
      await index.close()
    }
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}

/**
 * The packs that git's multi-pack-indexes name (gitformat-pack, "multi-pack-index"). git finds their objects through these,
 * so they stay until git itself repacks them.
 */
export async function packsInMultiPackIndexes(gitDirectory: string): Promise<ReadonlySet<string>> {
  const folder = packFolder(gitDirectory)
  const chain = join(folder, 'multi-pack-index.d')
  const layers = (await listFolder(chain)).filter((name) => name.endsWith('.midx')).map((name) => join(chain, name))
  const names = new Set<string>()
  for (const path of [join(folder, 'multi-pack-index'), ...layers]) {
    for (const name of await packNamesOf(path)) names.add(name.replace(/\.(idx|pack)$/, ''))
  }
  return names
}

async function packNamesOf(path: string): Promise<string[]> {
  let bytes: Buffer
  try {
    bytes = await readFile(path)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return []
    throw error
  }
  const chunkCount = bytes.length < 12 || bytes.toString('latin1', 0, 4) !== 'MIDX' ? 0 : (bytes[6] ?? 0)
  for (let row = 0; row < chunkCount; row += 1) {
    const at = 12 + row * 12
    if (at + 24 > bytes.length || bytes.toString('latin1', at, at + 4) !== 'PNAM') continue
    const [from, to] = [Number(bytes.readBigUInt64BE(at + 4)), Number(bytes.readBigUInt64BE(at + 16))]
    return bytes
      .toString('latin1', from, to)
      .split('\0')
      .filter((name) => name !== '')
  }
  return []
}
