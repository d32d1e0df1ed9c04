import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { findManifestProblem } from '../../src/manifest-check/check-manifest.ts'
import { isSameManifest } from '../../src/manifest-check/is-same-manifest.ts'
import { splitYaml } from '../../src/manifest-check/split-yaml.ts'
import { readDocuments } from '../../src/manifest-check/yaml-documents.ts'

const list = '- a: 1\n  b: 2\n'.repeat(250)
const items = (count: number) => '- a: 1\n  b: 2\n'.repeat(count)

describe('YAML is split', () => {
  it.each([
    ['into its documents', 'a: 1\n---\nb: 2\n--- c\n', ['a: 1\n', '---\nb: 2\n', '--- c\n']],
    ['into the items of a list', list, [items(100), items(100), items(50)]],
    [
      'into the items of its documents',
      `---\n${list}---\na: 1\n`,
      [`---\n${items(100)}`, items(100), items(50), '---\na: 1\n'],
    ],
    ['not where a directive stands', `%YAML 1.2\n---\n${list}`, [`%YAML 1.2\n---\n${list}`]],
    ['not where an alias may stand', `- &a 1\n${list}- *a\n`, [`- &a 1\n${list}- *a\n`]],
    ['not where a list is that of a key', `a:\n${list}`, [`a:\n${list}`]],
    ['not where something follows a list', `${list}...\n${list}`, [`${list}...\n${list}`]],
  ])('%s', (_how, text, pieces) => {
    expect(splitYaml(text)).toEqual(pieces)
  })

  const usual =
    'a: 1|- a|-|- - b|  c: 2|  - d|# e|  # e||---|--- f|...|- >-|- "g|  g"|"|- [|  h, i|  ]|]|- &j k|- *j|%YAML 1.2|l|\tm|- n: o|- ? p| q'
  const line = fc.constantFrom(...usual.split('|'), '- |', '\u2028', '\r', '-\tr')
  // Some items more, so that pieces end between the lines.
  const text = fc
    .array(
      fc.oneof({ weight: 20, arbitrary: line }, { weight: 1, arbitrary: fc.constant('- x\n'.repeat(99) + '- y') }),
      {
        maxLength: 12,
      },
    )
    .map((lines) => `${lines.join('\n')}\n`)

  it('so that its pieces are YAML where the whole is', () => {
    fc.assert(
      fc.property(text, (whole) => {
        const isYaml = [...readDocuments(whole)].every((one) => 'document' in one)
        expect(findManifestProblem(Buffer.from(whole)) === undefined).toBe(isYaml)
      }),
      { numRuns: 5000 },
    )
  })

  it('so that what is the same in pieces is the same', () => {
    fc.assert(
      fc.property(text, fc.integer({ min: 2, max: 5 }), (whole, width) => {
        if (findManifestProblem(Buffer.from(whole)) !== undefined) return
        const wider = whole.replaceAll(/^- (?=[a-z])/gmu, `-${' '.repeat(width)}`)
        const canonical = (of: string) =>
          [...readDocuments(of)].map((one) => ('document' in one ? one.document.toString({ lineWidth: 0 }) : ''))
        const isSame = JSON.stringify(canonical(whole)) === JSON.stringify(canonical(wider))
        expect(isSameManifest(Buffer.from(whole), Buffer.from(wider))).toBe(isSame)
      }),
      { numRuns: 1000 },
    )
  })
})
