import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import type { YamlValue } from '../../src/core/yaml-text.ts'
import { toYamlTemplate, toYamlText, YamlSlot } from '../../src/core/yaml-text.ts'

describe('the form', () => {
  it.each<[string, YamlValue, string]>([
    ['keys are sorted', { b: 'v', a: 'w', B: 'x', 'a-': 'z' }, 'B: x\na: w\na-: z\nb: v\n'],
    ['mappings are indented by two spaces', { a: { b: { c: 'v' } } }, 'a:\n  b:\n    c: v\n'],
    ['items stand below their key', { a: ['v', 'w'] }, 'a:\n- v\n- w\n'],
    ['items of a nested mapping too', { a: { b: ['v'] } }, 'a:\n  b:\n  - v\n'],
    ['mappings begin beside their dash', [{ a: 'v', b: 'w' }, { a: 'x' }], '- a: v\n  b: w\n- a: x\n'],
    ['lists of mappings of lists', { a: [{ b: ['v', 'w'], c: 'x' }] }, 'a:\n- b:\n  - v\n  - w\n  c: x\n'],
    ['lists in lists', [['v', 'w'], ['x']], '- - v\n  - w\n- - x\n'],
    ['undefined is left out', { a: undefined, b: 'v' }, 'b: v\n'],
    ['empty lists and mappings are written', { a: [], b: {}, c: [{}, []] }, 'a: []\nb: {}\nc:\n- {}\n- []\n'],
    [
      'a mapping of which nothing is left is empty',
      { a: { b: undefined }, c: [{ d: undefined }] },
      'a: {}\nc:\n- {}\n',
    ],
    ['booleans are plain', { a: true, b: false, c: [true] }, 'a: true\nb: false\nc:\n- true\n'],
    ['empty text is two quotes', { a: '' }, 'a: ""\n'],
    ['text may be all there is', 'v', 'v\n'],
    ['a boolean may be all there is', true, 'true\n'],
    ['an empty mapping may be all there is', {}, '{}\n'],
    ['an empty list may be all there is', [], '[]\n'],
  ])('%s', (_, value, text) => {
    expect(toYamlText(value)).toBe(text)
  })
})

describe('text', () => {
  it.each([
    ...words(
      'cart https://kubernetes.default.svc git@example.com:org/manifests.git CreateNamespace=true /spec/replicas',
    ),
    ...words("web-* a#b a:b -x ?x :x it's größer v1.2.3 60h 1.2.3-rc.1 10.0.0.1/8"),
    'a b c',
    '0 18 * * 5',
    '.spec.containers[] | select(.name == "x")',
  ])('that is only text is plain: %s', (text) => {
    expect(toYamlText(text)).toBe(`${text}\n`)
  })

  const takenApart = ['a: b', 'a #b', '- a', '? a', ': a', ', a', '> a', ' a', 'a ', '--- a']
  it.each([...words('* #a a: - {a} [a] &a !a | > %a @a `a` "a" --- ...'), ...takenApart])(
    'that YAML would take apart is in single quotes: %s',
    (text) => {
      expect(toYamlText({ a: text })).toBe(`a: '${text}'\n`)
    },
  )

  it.each([
    ["'", "''''"],
    ["- it's", "'- it''s'"],
  ])('in single quotes has its own doubled: %s', (text, quoted) => {
    expect(toYamlText({ a: text })).toBe(`a: ${quoted}\n`)
  })

  it.each([
    ...words('true False yes NO on Off y N null Null ~ << ='),
    ...words('0 -1 +1 1_000 1,000 0x1F 0o17 017 0b11 1e3 1.5 .5 -.5 +.5e1 1. 12:30:45 1:30'),
    ...words('.inf -.Inf +.INF .nan .NaN 2024-07-01 2024-07-01T12:00:00Z'),
  ])('that would be no text is in double quotes: %s', (text) => {
    expect(toYamlText({ a: text })).toBe(`a: "${text}"\n`)
  })

  it.each([
    ['a\nb', '"a\\nb"'],
    ['a\r', '"a\\r"'],
    ['\ta', '"\\ta"'],
    ['a\\\n"', '"a\\\\\\n\\""'],
    ['\u001b[0m', '"\\u001b[0m"'],
    ['\u0000', '"\\u0000"'],
  ])('that is no line of text is escaped: %j', (text, quoted) => {
    expect(toYamlText({ a: text })).toBe(`a: ${quoted}\n`)
  })
})

/** Text that a reader could take for something else, or that could break a line or an indentation. */
const withBlanks = ['', ' ', '- ', ': ', ' #', 'a: b', 'a #b', '? a', '- - a', '--- a', '2024-7-1 1:2:3', '{{ .x }}']
const withBreaks = ['\n', '\n\n', 'a\n', '\na', 'a\nb', 'a\n b\n', '\r', '\r\n', '\t', '\ta', 'a\t#b', 'a:\tb']
const long = ['a \u2028 b', 'x'.repeat(200), 'word '.repeat(60)]
const hostileTexts = [
  ...words(
    `- -- --- ... ? : # | > |- >+ &a *a ! !!str % @ \` { } {} [ ] [] , << = ~ _ . + -. ._ ' " '' "" \\ \\n a: a#b`,
  ),
  ...words('null NULL true FALSE yes No oN off y N nan .nan inf .inf -.inf +.Inf __proto__ constructor %YAML !!binary'),
  ...words('0 -0 +1 1e3 1E+3 .5 -.5 +.5 -.5e3 5. 1_0 0x_f 0b1 0o7 08 1,2 1:2 -1:30.5 2024-07-01 2024-07-01t00:00:00z'),
  ...words(
    '\u0000 \u0007 \u001b[31m \u007f \u0080 \u0085 a\u0085b \u00a0 \u00a0a\u00a0 \u00ad \u200b \u2028 \u2029 \u202e',
  ),
  ...words('\ufeff a\ufeff \ufffd \ufffe \uffff \ud800 \udc00a 🚂 é e\u0301'),
  ...withBlanks,
  ...withBreaks,
  ...long,
]

const signs = words('- ? : , [ ] { } # & * ! | > \' " % @ ` ~ = < . + _ 0 1 8 9 a e E x X o O b B n N \n \t \\')
const text = fc.oneof(
  fc.constantFrom(...hostileTexts),
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom(' ', ...signs) }),
  fc.tuple(fc.constantFrom(...hostileTexts), fc.constantFrom(...hostileTexts)).map(([a, b]) => a + b),
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 5 }).map((units) => String.fromCharCode(...units)),
)
// Keys that a reader keeps in one line: YAML allows 1,024 characters, and Kubernetes fewer.
const key = text.filter((one) => one.length < 150)

const { value: values } = fc.letrec<{ value: YamlValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    text,
    fc.boolean(),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(key, fc.option(tie('value'), { nil: undefined, freq: 8 }), { maxKeys: 4, noNullPrototype: true }),
  ),
}))

describe.each(['1.1', '1.2'] as const)('a reader of YAML %s', (version) => {
  it.each(hostileTexts)('reads %j back', (one) => {
    expect(parse(toYamlText(one), { version })).toBe(one)
    expect(parse(toYamlText({ a: one, b: [one, [one]] }), { version })).toEqual({ a: one, b: [one, [one]] })
  })

  it.each(hostileTexts.filter((one) => one.length < 150))('reads %j back as a key', (one) => {
    const value = Object.fromEntries([[one, { [`${one}x`]: 'y' }]])
    expect(parse(toYamlText(value), { version })).toEqual(value)
  })

  it('reads back any value', () => {
    fc.assert(
      fc.property(values, (value) => {
        expect(parse(toYamlText(value), { version })).toEqual(withoutUndefined(value))
      }),
      { numRuns: 2000 },
    )
  })
})

describe("Kubernetes' reader", () => {
  // go-yaml (sigs.k8s.io/yaml 1.4) refuses a whole file for one of these, and takes the others for line breaks.
  const refused = /[^\n\u0020-\u007e\u0085\u00a0-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u
  const lineBreaks = /[\u0085\u2028\u2029]/u

  it.each(hostileTexts)('finds nothing that it refuses in %j', (one) => {
    expect(toYamlText({ [`a${one.slice(0, 100)}`]: one })).not.toMatch(refused)
    expect(toYamlText({ [`a${one.slice(0, 100)}`]: one })).not.toMatch(lineBreaks)
  })

  it('finds nothing that it refuses in any value', () => {
    fc.assert(
      fc.property(values, (value) => {
        expect(toYamlText(value)).not.toMatch(refused)
        expect(toYamlText(value)).not.toMatch(lineBreaks)
      }),
    )
  })
})

describe('a text', () => {
  it('is the same whatever the order in which its keys were set', () => {
    fc.assert(
      fc.property(fc.dictionary(key, text, { maxKeys: 6, noNullPrototype: true }), (value) => {
        expect(toYamlText(Object.fromEntries(Object.entries(value).toReversed()))).toBe(toYamlText(value))
      }),
    )
  })
})

describe('a template', () => {
  it('with its texts filled in is the text of the value with them', () => {
    fc.assert(
      fc.property(
        values,
        fc.dictionary(key, text, { minKeys: 1, maxKeys: 4, noNullPrototype: true }),
        (value, texts) => {
          const names = Object.keys(texts)
          const around = (content: YamlValue): YamlValue => ({
            before: value,
            content,
            list: [content, value],
            after: value,
          })
          const slots = Object.fromEntries(names.map((name, index) => [name, new YamlSlot(`slot${index}`)]))
          const filled = Object.fromEntries(names.map((name, index) => [`slot${index}`, texts[name] ?? '']))
          expect(toYamlTemplate(around(slots))(filled)).toBe(toYamlText(around(texts)))
        },
      ),
    )
  })
})

function withoutUndefined(value: YamlValue): unknown {
  if (typeof value !== 'object') return value
  if (Array.isArray(value)) return (value as readonly YamlValue[]).map(withoutUndefined)
  const entries = Object.entries(value as Readonly<Record<string, YamlValue | undefined>>)
  return Object.fromEntries(
    entries.flatMap(([name, item]) => (item === undefined ? [] : [[name, withoutUndefined(item)]])),
  )
}

/** Examples without blanks, in one line for those who read them. */
function words(line: string): readonly string[] {
  return line.split(' ')
}
