/** What the Argo CD files are made of. Keys with an undefined value are left out. */
export type YamlValue = YamlScalar | YamlCollection
type YamlScalar = string | boolean | YamlSlot
type YamlCollection = readonly YamlValue[] | { readonly [key: string]: YamlValue | undefined }

/** A text that is not known yet: see `toYamlTemplate`. */
export class YamlSlot {
  readonly name: string

  constructor(name: string) {
    this.name = name
  }
}

/**
 * Writes YAML the way Kubernetes' own Go library does: keys sorted, two spaces, list items not indented, quotes only where needed.
 * Files that Kuberpult wrote thus mostly stay as they are, and a whole environment of a thousand applications takes
 * milliseconds, where the `yaml` library, which reads all our YAML, takes seconds.
 */
export function toYamlText(value: YamlValue): string {
  return `${isScalar(value) ? toScalar(value) : toBlock(value).join('\n')}\n`
}

/**
 * The same for many values that differ in a few texts only: takes those by the names of their slots. A thousand documents take
 * a millisecond instead of thirty.
 */
export function toYamlTemplate(value: YamlValue): (texts: Readonly<Record<string, string>>) => string {
  const parts = toYamlText(value).split(slotMark)
  return (texts) => {
    let text = ''
    for (const [index, part] of parts.entries()) text += index % 2 === 0 ? part : toScalar(texts[part] ?? '')
    return text
  }
}

/** Stands around the names of slots: what is written otherwise never has it. */
const slotMark = '\0'

function isScalar(value: YamlValue): value is YamlScalar {
  return typeof value !== 'object' || value instanceof YamlSlot
}

function toLines(value: YamlCollection): readonly string[] {
  if (Array.isArray(value)) {
    return (value as readonly YamlValue[]).flatMap((item) => {
      const [first = '', ...rest] = isScalar(item) ? [toScalar(item)] : toBlock(item)
      return [`- ${first}`, ...rest.map((line) => `  ${line}`)]
    })
  }
  return Object.entries(value as Readonly<Record<string, YamlValue | undefined>>)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([key, item]) => {
      if (item === undefined) return []
      if (isScalar(item)) return [`${toScalar(key)}: ${toScalar(item)}`]
      const block = toBlock(item)
      if (isEmpty(item)) return [`${toScalar(key)}: ${block[0]}`]
      return [`${toScalar(key)}:`, ...(Array.isArray(item) ? block : block.map((line) => `  ${line}`))]
    })
}

function toBlock(value: YamlCollection): readonly string[] {
  return isEmpty(value) ? [Array.isArray(value) ? '[]' : '{}'] : toLines(value)
}

function isEmpty(value: YamlCollection): boolean {
  return Object.values(value).every((item) => item === undefined)
}

function toScalar(value: YamlScalar): string {
  if (value instanceof YamlSlot) return `${slotMark}${value.name}${slotMark}`
  if (typeof value === 'boolean') return String(value)
  if (value === '' || !isOneLine(value) || meansSomethingElse(value)) return toQuoted(value)
  return isPlain(value) ? value : `'${value.replaceAll("'", "''")}'`
}

/** In double quotes, with an escape for everything that a YAML reader could refuse or take for the end of a line. */
function toQuoted(text: string): string {
  return JSON.stringify(text).replaceAll(
    /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

function isOneLine(text: string): boolean {
  // Printable, with neither line breaks of any kind nor a lone surrogate or byte order mark.
  return /^[\u0020-\u007e\u00a0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd]*$/u.test(text)
}

/** Text that a YAML 1.1 or 1.2 reader would take for a number, a date, a boolean or null. */
function meansSomethingElse(text: string): boolean {
  return (
    /^(~|null|true|false|yes|no|on|off|y|n|<<|=)$/i.test(text) ||
    /^[-+]?([0-9]|\.[0-9_eE]|\.$)[0-9_,.:eExXoObBa-fA-F+-]*$/.test(text) ||
    // Some readers take an exponent alone for a number.
    /^[-+]?[eE][-+]?[0-9]+$/.test(text) ||
    /^[-+]?\.(inf|nan)$/i.test(text) ||
    /^[0-9]{4}-[0-9]/.test(text)
  )
}

function isPlain(text: string): boolean {
  return (
    !/^[-?:]( |$)/.test(text) &&
    !/^[,[\]{}#&*!|>'"%@`\s]/.test(text) &&
    !/^(---|\.\.\.)/.test(text) &&
    !/: | #|:$|\s$/.test(text)
  )
}
