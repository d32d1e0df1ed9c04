import { styleText } from 'node:util'

/** A stream as far as it is written to. */
export interface Sink {
  write(text: string): unknown
  readonly isTTY?: boolean | undefined
}

export type Paint = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan'

/** Colours a line that is clean already. */
export type LinePainter = (line: string, paint: (colour: Paint, text: string) => string) => string

/** Where a command's results and remarks go. Nothing that anybody else wrote acts on the terminal. */
export interface Output {
  /** Results are one JSON document; text is for remarks only. */
  readonly isJson: boolean
  /** A result, on standard output. Colours only where somebody looks at them. */
  print(text: string, painter?: LinePainter): void
  /** A result as JSON text, on standard output. */
  printJson(json: string): void
  /** A remark, on standard error. */
  note(text: string): void
  /** Shows that something is waited for once it takes longer than a second. Call what it answers at the end. */
  wait(what: string): () => void
  /** Shows no longer what is waited for. */
  stopWaiting(): void
  /** From now on this text is never shown either. */
  conceal(secret: string): void
}

export interface OutputOptions {
  readonly stdout: Sink
  readonly stderr: Sink
  readonly isJson: boolean
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Texts that are never shown, whoever sends them back. Those of up to three characters are no secrets. */
  readonly secrets: readonly string[]
}

export function createOutput({ stdout, stderr, isJson, environment, secrets }: OutputOptions): Output {
  const isDumb = environment['TERM'] === 'dumb'
  const hasColours = stdout.isTTY === true && !environment['NO_COLOR'] && !isDumb
  const paint = (colour: Paint, text: string) => (text === '' ? '' : styleText(colour, text, { validateStream: false }))
  // The longest first, because one may be part of another.
  const toHidden = (texts: readonly string[]) =>
    texts.filter(({ length }) => length >= 4).toSorted((a, b) => b.length - a.length)
  let hidden = toHidden(secrets)
  const conceal = (text: string) => hidden.reduce((shown, secret) => shown.replaceAll(secret, '***'), text)
  const waiting = new Set<() => void>()

  return {
    isJson,
    print: (text, painter) => {
      const lines = conceal(cleanText(text)).split('\n')
      // A painter is for lines that somebody can read, and may take its time with others.
      const colour = (line: string) => (painter === undefined || line.length > 2000 ? line : painter(line, paint))
      stdout.write(`${(hasColours ? lines.map(colour) : lines).join('\n')}\n`)
    },
    printJson: (json) => stdout.write(`${escapeJson(conceal(json.trim()))}\n`),
    note: (text) => stderr.write(`${conceal(cleanText(text))}\n`),
    wait: (what) => {
      const stop = showProgress(conceal(cleanLine(what)), stderr, stderr.isTTY === true && !isDumb)
      waiting.add(stop)
      return () => {
        waiting.delete(stop)
        stop()
      }
    },
    stopWaiting: () => {
      for (const stop of waiting) stop()
    },
    conceal: (secret) => (hidden = toHidden([...hidden, secret])),
  }
}

/** Text of several lines without what a terminal would act on, and without line breaks at its end. */
export function cleanText(text: string): string {
  const clean = text
    .replaceAll(/\r\n?|[\u0085\u2028\u2029]/gu, '\n')
    .replaceAll(/(?![\n\t])\p{Cc}|\p{Bidi_Control}/gu, '')
  // A pattern for the end would try each line break of a hostile text.
  let end = clean.length
  while (clean[end - 1] === '\n') end -= 1
  return clean.slice(0, end)
}

/** Text that has to stay on one line. */
export function cleanLine(text: string | undefined): string {
  return cleanText(text ?? '')
    .replaceAll(/\s+/gu, ' ')
    .trim()
}

/** In JSON, what a terminal would act on can only stand within texts, where it has an escaped form. */
function escapeJson(json: string): string {
  return json.replaceAll(
    /[\u007f-\u009f\u2028\u2029]|\p{Bidi_Control}/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** A server's body as a JSON document: as it is, as a JSON text, or `{}` for none. */
export function toJsonDocument(body: string): string {
  if (body.trim() === '') return '{}'
  try {
    JSON.parse(body)
    return body
  } catch {
    return JSON.stringify(body)
  }
}

/** A line that counts the seconds in a terminal; elsewhere one after a second, then one every half minute. */
function showProgress(what: string, stderr: Sink, isTerminal: boolean): () => void {
  let seconds = 0
  const timer = setInterval(() => {
    seconds += 1
    if (isTerminal) stderr.write(`\r\u001B[K${what.slice(0, 70)} ... ${seconds} s`)
    else if (seconds % 30 === 1) stderr.write(`waiting for ${what} (${seconds} s)\n`)
  }, 1000)
  timer.unref()
  return () => {
    clearInterval(timer)
    if (isTerminal && seconds > 0) stderr.write('\r\u001B[K')
  }
}
