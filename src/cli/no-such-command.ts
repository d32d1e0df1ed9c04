import type { Command } from './command.ts'

/** What to say about a name that no command has: it offers the one that it is nearest to, if one is near. */
export function noSuchCommand(name: string, commands: readonly Command[]): string {
  const [nearest] = commands
    .map((command) => ({ name: command.name, distance: distanceOf(name.slice(0, 40), command.name) }))
    .filter(({ distance }) => distance <= 2)
    .toSorted((a, b) => a.distance - b.distance)
  return `there is no command ${name}${nearest === undefined ? '' : `; did you mean ${nearest.name}?`}`
}

/** How many characters have to be put in, taken out or replaced to get from one word to the other. */
function distanceOf(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (const [index, character] of Array.from(from).entries()) {
    const above = row
    row = [index + 1]
    for (let column = 1; column <= to.length; column += 1) {
      const replaced = (above[column - 1] ?? 0) + (character === to[column - 1] ? 0 : 1)
      row.push(Math.min(replaced, (above[column] ?? 0) + 1, (row[column - 1] ?? 0) + 1))
    }
  }
  return row.at(-1) ?? 0
}
