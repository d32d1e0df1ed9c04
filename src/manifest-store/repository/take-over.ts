import { removeLeftovers } from '../git/consolidate-packs.ts'
import { removeStaleRefLock } from '../git/ref-file.ts'
import { releaseStalePacks } from '../git/write-pack.ts'
import type { StoreLog } from '../git-manifest-store.ts'

/** Removes what an earlier process of ours left when it died. */
export async function takeOver(gitDirectory: string, ref: string, log: StoreLog): Promise<void> {
  if (await removeStaleRefLock(gitDirectory, ref)) {
    log.warn({ ref }, `removed the lock of ${ref} that an earlier process of ours left when it died`)
  }
  const stalePacks = await releaseStalePacks(gitDirectory)
  if (stalePacks > 0) log.warn({ stalePacks }, 'released packs that an earlier process of ours left when it died')
  const leftovers = await removeLeftovers(gitDirectory)
  if (leftovers > 0) log.warn({ leftovers }, 'removed parts of packs that an earlier process of ours left when it died')
}
