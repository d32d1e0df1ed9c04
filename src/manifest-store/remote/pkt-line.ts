/** What a server sent is not what the protocol says. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError'
}

/** A line, or one of the marks between lines: `0000` ends a list, `0001` and `0002` are marks of version 2. */
export type PktLine = Buffer | 'flush' | 'delimiter' | 'response-end'

const marks = ['flush', 'delimiter', 'response-end'] as const
const maximumPayload = 65_516

export const flushPkt = Buffer.from('0000')

export function toPktLine(payload: string | Uint8Array): Buffer {
  const bytes = Buffer.from(payload)
  if (bytes.length > maximumPayload) throw new RangeError(`a line of ${bytes.length} bytes is too long`)
  return Buffer.concat([Buffer.from((bytes.length + 4).toString(16).padStart(4, '0')), bytes])
}

/** The line at an offset, and where the next one begins; undefined while it is not there as a whole. */
export function readPktLine(bytes: Buffer, offset: number): { line: PktLine; end: number } | undefined {
  if (bytes.length < offset + 4) return undefined
  const digits = bytes.toString('latin1', offset, offset + 4)
  if (!/^[0-9a-f]{4}$/iu.test(digits))
    throw new ProtocolError(`'${digits.replaceAll(/[^ -~]/gu, '?')}' is no length of a line`)
  const length = Number.parseInt(digits, 16)
  const mark = marks[length]
  if (mark !== undefined) return { line: mark, end: offset + 4 }
  if (length === 3 || length > 65_520) throw new ProtocolError(`no line is ${length} bytes long`)
  const end = offset + length
  return bytes.length < end ? undefined : { line: bytes.subarray(offset + 4, end), end }
}

/** All lines of something that is there as a whole. Throws ProtocolError when its end is missing. */
export function* readPktLines(bytes: Buffer): Generator<PktLine, void> {
  let offset = 0
  while (offset < bytes.length) {
    const read = readPktLine(bytes, offset)
    if (read === undefined) throw new ProtocolError('the end is missing')
    yield read.line
    offset = read.end
  }
}

/** The text of a line, without the line feed that may end it. */
export function textOf(line: Buffer): string {
  return line.toString('utf8').replace(/\n$/u, '')
}
