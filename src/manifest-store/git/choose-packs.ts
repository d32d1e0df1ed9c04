import type { PackSize } from './pack-folder.ts'

/** Each pack that stays has at least this many times as many objects as the next smaller one. */
const factor = 2

/**
 * Which packs to combine so that those that remain form a geometric progression, as `git repack --geometric=2` does it: an
 * object is copied as often as the number of objects doubles, so all the work together is O(n log n), and there are O(log n)
 * packs. Fewer than `minimum` are not worth it: then none.
 */
export function choosePacks(packs: readonly PackSize[], minimum: number): readonly PackSize[] {
  const sorted = packs.toSorted((a, b) => a.objects - b.objects || (a.name < b.name ? -1 : 1))
  const objectsOf = (index: number): number => sorted[index]?.objects ?? 0
  let count = sorted.length
  while (count > 1 && objectsOf(count - 1) >= factor * objectsOf(count - 2)) count -= 1
  if (count <= 1) return []
  let total = sorted.slice(0, count).reduce((sum, { objects }) => sum + objects, 0)
  // What they make together may be too large for the next one up.
  while (count < sorted.length && objectsOf(count) < factor * total) {
    total += objectsOf(count)
    count += 1
  }
  return count < minimum ? [] : sorted.slice(0, count)
}
