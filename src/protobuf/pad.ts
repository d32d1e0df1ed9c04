/** The text with blanks after it, or before it, up to a width in code points. */
export function pad(text: string, width: number, isRight = false): string {
  const blanks = ' '.repeat(Math.max(0, width - codePoints(text)))
  return isRight ? blanks + text : text + blanks
}

export function codePoints(text: string): number {
  return Array.from(text).length
}
