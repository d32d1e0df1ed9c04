/**
 * The keys whose values are not the same objects in both maps, in the order of the second, and then those that are in the first alone.
 * What is loaded for two commits shares nearly everything, in the same order: then references are compared and nothing is looked up.
 */
export function changedKeys<K, V>(before: ReadonlyMap<K, V>, after: ReadonlyMap<K, V>): readonly K[] {
  if (before === after) return []
  // Copying all of a map is far cheaper than a turn of a loop for each of its entries.
  const [keysBefore, keys] = [[...before.keys()], [...after.keys()]]
  if (keysBefore.length === keys.length && keys.every((key, at) => key === keysBefore[at])) {
    const [valuesBefore, values] = [[...before.values()], [...after.values()]]
    return keys.filter((_, at) => values[at] !== valuesBefore[at])
  }
  return [
    ...keys.filter((key) => before.get(key) !== after.get(key) || !before.has(key)),
    ...keysBefore.filter((key) => !after.has(key)),
  ]
}
