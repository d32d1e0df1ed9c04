import { open } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import type { LineNote, Teams } from '../core/policy.ts'
import { parsePolicy, parseTeams } from '../core/policy.ts'
import type { CiIssuer } from './ci-mapping.ts'
import { parseCiMapping } from './ci-mapping.ts'
import { PolicyFilesError } from './policy-files-error.ts'
import type { AccessRules } from './to-principal.ts'

export interface PolicyFilesOptions {
  readonly policy: string
  readonly teams: string | undefined
  readonly trust: string | undefined
  /** The issuer that the policy is about. */
  readonly primaryIssuer: string
  readonly allowsHttp: boolean
  readonly log: PolicyLog
  /** Milliseconds between two looks: 5,000. */
  readonly interval?: number
  /** Between two looks that have to agree: half a second. */
  readonly wait?: () => Promise<unknown>
}

/** The part of a pino logger that is needed here. */
export interface PolicyLog {
  info(details: object, message: string): void
  warn(details: object, message: string): void
  error(details: object, message: string): void
}

/** What the files say, all of them from one look. */
export interface Access extends AccessRules {
  /** The CI systems that are trusted beside the primary issuer. */
  readonly ciIssuers: readonly CiIssuer[]
}

interface Look {
  readonly access: Access
  readonly problems: readonly string[]
  readonly warnings: readonly string[]
}

const variables = { policy: 'SIGNALBOX_RBAC_POLICY', teams: 'SIGNALBOX_RBAC_TEAMS', trust: 'SIGNALBOX_OIDC_TRUST' }

/** How often changing files are looked at before they are left alone until the next time. */
const maximumLooks = 10

/** As much as anybody writes, far from what would hold the process up. */
const maximumBytes = 8 * 1024 * 1024

/**
 * The policy, the team file and the mapping of CI systems, as they are now. Changed files are taken over when all of them are good;
 * with any problem what was good before stays. They are looked at every few seconds: Kubernetes changes them by moving links.
 * Only what two looks agree on counts: a file that is half written may give other rights than it will when it is whole, and files
 * that are replaced together may be looked at in the middle of it.
 */
export class PolicyFiles {
  readonly #options: PolicyFilesOptions
  readonly #timer: NodeJS.Timeout
  #seen: string
  #access: Access
  #problems: readonly string[] = []
  #looking: Promise<void> | undefined

  private constructor(options: PolicyFilesOptions, seen: string, access: Access) {
    this.#options = options
    this.#seen = seen
    this.#access = access
    this.#timer = setInterval(() => void this.lookAgain(), options.interval ?? 5000).unref()
  }

  /** Reads the files. Throws PolicyFilesError with all their problems. */
  static async open(options: PolicyFilesOptions): Promise<PolicyFiles> {
    const texts = await readSettled(options, await readAll(options))
    if (texts === undefined) throw new PolicyFilesError([keepChanging(options)])
    const { access, problems, warnings } = interpret(texts, options)
    if (problems.length > 0) throw new PolicyFilesError(problems)
    for (const warning of warnings) options.log.warn({}, warning)
    return new PolicyFiles(options, toComparable(texts), access)
  }

  /** The newest good content. Another object whenever it changes. */
  get access(): Access {
    return this.#access
  }

  /** Why the files that are there now are not used; empty when they are. */
  problems(): readonly string[] {
    return this.#problems
  }

  close(): void {
    clearInterval(this.#timer)
  }

  /** Looks whether something changed, now. Never rejects. */
  lookAgain(): Promise<void> {
    this.#looking ??= this.#look().finally(() => (this.#looking = undefined))
    return this.#looking
  }

  async #look(): Promise<void> {
    const { log } = this.#options
    const first = await readAll(this.#options)
    if (toComparable(first) === this.#seen) return
    const texts = await readSettled(this.#options, first)
    if (texts === undefined) return this.#complainOfRestlessness()
    const seen = toComparable(texts)
    if (seen === this.#seen) return
    this.#seen = seen
    const { access, problems, warnings } = interpret(texts, this.#options)
    this.#problems = problems
    if (problems.length > 0) {
      log.error({ problems }, 'the changed policy files are not used: what they said before still holds')
      return
    }
    this.#access = access
    log.info({}, 'took over the changed policy files')
    for (const warning of warnings) log.warn({}, warning)
  }

  #complainOfRestlessness(): void {
    if (this.#seen === restless) return
    this.#seen = restless
    this.#problems = [keepChanging(this.#options)]
    this.#options.log.error({}, 'the policy files keep changing: what they said before still holds')
  }
}

/** What no look ever sees. */
const restless = ''

/** A file's text, or why it cannot be read. `identity` is another one for a file that was replaced or written to. */
type FileText = ({ readonly text: string } | { readonly problem: string }) & { readonly identity?: string }
type Texts = Readonly<Record<keyof typeof variables, FileText | undefined>>

/** What two looks in a row agree on, the first of them given; undefined when the files do not come to rest. */
async function readSettled(options: PolicyFilesOptions, first: Texts): Promise<Texts | undefined> {
  const { wait = () => delay(500) } = options
  let last = first
  for (let looks = 1; looks < maximumLooks; looks += 1) {
    await wait()
    const next = await readAll(options)
    if (JSON.stringify(next) === JSON.stringify(last)) return next
    last = next
  }
  return undefined
}

async function readAll(options: PolicyFilesOptions): Promise<Texts> {
  const [policyText, teamsText, trustText] = await Promise.all(
    [options.policy, options.teams, options.trust].map(readText),
  )
  return { policy: policyText, teams: teamsText, trust: trustText }
}

function keepChanging({ policy, teams, trust }: PolicyFilesOptions): string {
  return `the policy files keep changing: ${[policy, teams, trust].filter((path) => path !== undefined).join(', ')}`
}

/** What the files say, whichever files they are: the same again is no change. */
function toComparable(texts: Texts): string {
  return JSON.stringify(texts, (key, value: unknown) => (key === 'identity' ? undefined : value))
}

async function readText(path: string | undefined): Promise<FileText | undefined> {
  if (path === undefined) return undefined
  try {
    const file = await open(path)
    try {
      const { dev, ino, mtimeNs, size } = await file.stat({ bigint: true })
      const identity = [dev, ino, mtimeNs, size].join(' ')
      const bytes = await file.readFile()
      if (bytes.length > maximumBytes) return { problem: `it is larger than ${maximumBytes} bytes`, identity }
      return { text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes), identity }
    } finally {
      await file.close()
    }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    return {
      problem: code === 'ERR_ENCODING_INVALID_ENCODED_DATA' ? 'it is not UTF-8' : `it cannot be read: ${message}`,
    }
  }
}

function interpret(texts: Texts, options: PolicyFilesOptions): Look {
  const problems: string[] = []
  const warnings: string[] = []
  const textOf = (file: keyof Texts): string | undefined => {
    const content = texts[file]
    if (content === undefined || 'text' in content) return content?.text
    problems.push(`${variables[file]} is ${options[file]}: ${content.problem}`)
    return undefined
  }
  const note = (into: string[], file: keyof Texts, notes: readonly LineNote[]) =>
    into.push(...notes.map(({ line, message }) => `${options[file]}${line === 0 ? '' : `:${line}`}: ${message}`))

  const policyText = textOf('policy')
  const parsedPolicy = parsePolicy(policyText ?? '')
  if (policyText !== undefined) note(problems, 'policy', parsedPolicy.problems)
  note(warnings, 'policy', parsedPolicy.warnings)

  const teamsText = textOf('teams')
  const parsedTeams = parseTeams(teamsText ?? '')
  note(problems, 'teams', parsedTeams.problems)
  const teams: Teams | undefined = options.teams === undefined ? undefined : parsedTeams.teams

  const trustText = textOf('trust')
  const { primaryIssuer: primary, allowsHttp } = options
  const parsedTrust =
    trustText === undefined ? { issuers: [], problems: [] } : parseCiMapping(trustText, { primary, allowsHttp })
  note(problems, 'trust', parsedTrust.problems)

  const { policy } = parsedPolicy
  const ci = new Map(parsedTrust.issuers.map(({ issuer, rules }) => [issuer, rules]))
  const named = new Set(parsedTrust.issuers.flatMap(({ rules }) => rules.flatMap(({ roles }) => roles)))
  for (const role of [...named].filter((name) => !policy.permissions.has(name))) {
    warnings.push(`${options.trust}: the policy allows the role ${JSON.stringify(role)} nothing`)
  }
  const access = { policy, teams, primaryIssuer: primary, ci, ciIssuers: parsedTrust.issuers }
  return { access, problems, warnings }
}
