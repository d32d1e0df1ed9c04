/** Bad usage: nothing was asked of a server. Each problem is a sentence without a full stop. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(problems.join('; '))
    this.problems = problems
  }
}

/** Somebody asked for help with `-h` or `--help`. */
export class HelpWanted extends Error {
  override readonly name = 'HelpWanted'
}

/** A flag as the command line, the help, the completion and the docs know it. */
export interface Flag {
  readonly name: string
  /** What stands in the help for its value; undefined for a flag that is on or off. */
  readonly value?: string
  readonly help: string
  readonly isRequired?: boolean
  readonly isRepeatable?: boolean
  /** The only values it takes. */
  readonly choices?: readonly string[]
  /** Its value is a file's name: the shell completes it. */
  readonly isFile?: boolean
  /** Its value may hold a password, so it is not repeated. */
  readonly isPrivate?: boolean
  /** What a value must be, when this one is not: `must be ...`. */
  readonly complain?: (value: string) => string | undefined
}

/** Flags as they were given. */
export interface ParsedFlags {
  /** In the order given, since a manifest belongs to the environment before it. */
  readonly given: readonly { readonly name: string; readonly value: string }[]
}

/** What follows the flags; the first of it is the command, or the name of what help is wanted for. */
export interface ParsedArguments extends ParsedFlags {
  readonly rest: readonly string[]
}

/** The value of a flag that is given at most once. Never empty, but for a flag that is required. */
export function valueOf({ given }: ParsedFlags, name: string): string | undefined {
  return given.findLast((flag) => flag.name === name)?.value
}

/** The value of a flag that is required. */
export function requiredValueOf(flags: ParsedFlags, name: string): string {
  const value = valueOf(flags, name)
  if (value === undefined) throw new UsageError([`--${name} is missing`])
  return value
}

export function valuesOf({ given }: ParsedFlags, name: string): readonly string[] {
  return given.filter((flag) => flag.name === name).map(({ value }) => value)
}

export function isOn(flags: ParsedFlags, name: string): boolean {
  return valueOf(flags, name) === 'true'
}

/**
 * Parses arguments the way Go's flag package does: `-flag v`, `--flag v`, `--flag=v`, `-switch`, `-switch=false`, up to the
 * first argument that is no flag, or `--`. A value may begin with `-`, which is why Node's own parser does not do. Beyond
 * Go, `_` and `-` within a name are the same, choices may be in capitals, and an empty value counts as none, unless the
 * flag is required: pipelines write `--team "$TEAM"`. Throws UsageError for the first flag that is none, and HelpWanted for `-h`.
 */
export function parseFlags(args: readonly string[], known: readonly Flag[]): ParsedArguments {
  const given: { name: string; value: string }[] = []
  let next = 0
  while (next < args.length) {
    const argument = args[next] ?? ''
    if (!argument.startsWith('-') || argument === '-') break
    next += 1
    if (argument === '--') break
    const [, written = '', value] = /^--?([^=]*)(?:=([^]*))?$/u.exec(argument) ?? []
    if (written === '' || written.startsWith('-')) throw new UsageError([`bad flag syntax: ${argument}`])
    const flag = known.find(({ name }) => sameName(name, written))
    if (flag === undefined) {
      if (written === 'h' || written === 'help') throw new HelpWanted()
      throw new UsageError([`there is no flag --${written} here`])
    }
    if (flag.value === undefined) given.push({ name: flag.name, value: toSwitch(flag, value ?? 'true') })
    else {
      const text = value ?? args[next]
      if (text === undefined) throw new UsageError([`--${flag.name} needs a value`])
      if (value === undefined) next += 1
      if (text !== '' || flag.isRequired === true) given.push({ name: flag.name, value: toChoice(flag, text) })
    }
  }
  return { given, rest: args.slice(next) }
}

/** What is wrong with the flags given, each by itself. */
export function checkFlags(flags: ParsedFlags, known: readonly Flag[]): readonly string[] {
  return known.flatMap((flag) => {
    const values = valuesOf(flags, flag.name)
    if (values.length === 0) return flag.isRequired === true ? [`--${flag.name} is missing`] : []
    if (values.length > 1 && flag.isRepeatable !== true && flag.value !== undefined) {
      return [`--${flag.name} must be given only once`]
    }
    return values.flatMap((value) => complainAbout(flag, value) ?? [])
  })
}

function complainAbout({ name, value: kind, choices, complain, isPrivate }: Flag, value: string): string | undefined {
  if (kind === undefined) return undefined
  const complaint =
    choices !== undefined && !choices.includes(value)
      ? `must be one of ${choices.join(', ')}`
      : (complain?.(value) ?? (value === '' ? 'must not be empty' : undefined))
  return complaint && `--${name} ${complaint}${isPrivate === true ? '' : `, and is '${value}'`}`
}

function toChoice({ choices = [] }: Flag, value: string): string {
  return choices.find((choice) => choice === value.toLowerCase()) ?? value
}

function sameName(name: string, written: string): boolean {
  return name.replaceAll('_', '-') === written.replaceAll('_', '-')
}

/** Go's spellings of true and false. */
function toSwitch({ name }: Flag, value: string): string {
  if (/^(1|t|T|true|TRUE|True)$/u.test(value)) return 'true'
  if (/^(0|f|F|false|FALSE|False)$/u.test(value)) return 'false'
  throw new UsageError([`--${name} is on or off: it cannot be '${value}'`])
}
