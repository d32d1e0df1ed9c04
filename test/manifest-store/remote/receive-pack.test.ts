import fc from 'fast-check'
import { describe, it } from 'vitest'
import { RemoteError } from '../../../src/manifest-store/remote/git-remote.ts'
import { ProtocolError, readPktLines, toPktLine } from '../../../src/manifest-store/remote/pkt-line.ts'
import { readAdvertisement, readReport } from '../../../src/manifest-store/remote/receive-pack.ts'

const main = 'refs/heads/main'
const updates = [{ ref: main, from: undefined, to: 'c'.repeat(40) }]

/** What looks like the protocol for a while. */
const piece = fc.oneof(
  fc.constantFrom('0000', '0001', '0002', '0003', '0004', 'ffff', 'ERR x', `${'a'.repeat(40)} ${main}\0atomic`),
  fc.constantFrom(
    'unpack ok\n',
    `ok ${main}\n`,
    `ng ${main} no\n`,
    `ng ${main}`,
    'unpack',
    '\u0001',
    '\u0002hello',
    '\u0003',
  ),
  fc.string(),
)
const bytes = fc
  .array(fc.tuple(piece, fc.boolean()), { maxLength: 12 })
  .map((pieces) => Buffer.concat(pieces.map(([text, isLine]) => (isLine ? toPktLine(text) : Buffer.from(text)))))
const banded = fc
  .tuple(bytes, fc.integer({ min: 0, max: 4 }))
  .map(([inner, band]) => Buffer.concat([toPktLine(Buffer.concat([Buffer.from([band]), inner])), Buffer.from('0000')]))

describe('whatever a server sends', () => {
  it('is an advertisement or an error that we know', () => {
    fc.assert(
      fc.property(bytes, (sent) => isKnown(() => readAdvertisement(readPktLines(sent), []))),
      { numRuns: 2000 },
    )
  })

  it('is a report or an error that we know, and a success only when it says so of the ref', () => {
    fc.assert(
      fc.property(fc.oneof(bytes, banded), fc.boolean(), (sent, usesSideBand) =>
        isKnown(() => {
          const report = readReport(readPktLines(sent), { updates, usesSideBand, secrets: [] })
          const text = sent.toString('latin1')
          return report.kind !== 'accepted' || (text.includes('unpack ok') && text.includes(`ok ${main}`))
        }),
      ),
      { numRuns: 5000 },
    )
  })
})

/** Whether it does not fail otherwise than it may, and does not answer false. */
function isKnown(act: () => unknown): boolean {
  try {
    return act() !== false
  } catch (error) {
    return error instanceof ProtocolError || error instanceof RemoteError
  }
}
