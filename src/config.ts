import { BlockList, isIP } from 'node:net'
import { z } from 'zod'
import type { AuthConfig } from './auth-config.ts'
import { authVariables, findAuthProblems, toAuthConfig } from './auth-config.ts'
import { withoutCredentials } from './manifest-store/remote/remote-address.ts'
import type { RemoteConfig } from './manifest-store/remote/remote-config.ts'
import { findRemoteProblems, remoteVariables, toRemoteConfig } from './remote-config.ts'

/** Everything that can be configured, by environment variable. README.md has the table for people. */
export interface ServerConfig {
  readonly host: string
  readonly port: number
  /** The path of a bare repository, or the address of a remote one; undefined for the demo repository. */
  readonly repository: string | undefined
  /** How the repository is reached when it is on a git server; undefined when it is on this machine's disk. */
  readonly remote: RemoteConfig | undefined
  /** Where the clone of a remote repository is kept. */
  readonly clonePath: string
  /** How often the git server is asked what is new, in milliseconds. */
  readonly fetchInterval: number
  /** With which webhooks of the git server prove themselves, or the file with it; undefined where there are none. */
  readonly hookSecret: { readonly value: string } | { readonly file: string } | undefined
  /** When callers are told to try again, in seconds. */
  readonly retryAfter: number
  readonly branch: string | undefined
  readonly logLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent'
  /** What `Accept: *` + `/*` and no Accept at all get: proto3 JSON, or the shape of Kuberpult's own server. */
  readonly json: 'proto' | 'kuberpult'
  /** Hosts that a ciLink may name; undefined for all. */
  readonly allowedDomains: readonly string[] | undefined
  /** How many releases older than the oldest deployed one are kept, and one more. */
  readonly releaseVersionsLimit: number
  /** Whether `commits/` is written. */
  readonly writesCommitData: boolean
  readonly allowsLongApplicationNames: boolean
  readonly argoCd: {
    readonly generateFiles: boolean
    readonly repositoryUrl: string | undefined
    /** Where Argo CD is told of pushes; undefined when it is not. */
    readonly server: string | undefined
    /** Whether a certificate that cannot be verified is good enough there. */
    readonly isInsecure: boolean
  }
  /** Where people, and Argo CD, find the repository on the web. */
  readonly gitWebUrl: string | undefined
  /** What the form of a release may hold, in bytes and parts. */
  readonly releases: {
    readonly maximumBytes: number
    readonly maximumManifestBytes: number
    readonly maximumValueBytes: number
    readonly maximumParts: number
  }
  /** Of the thread that looks into manifests: megabytes, and seconds for each manifest. */
  readonly manifestCheck: { readonly maximumMemory: number; readonly maximumSeconds: number }
  readonly committer: { readonly name: string; readonly email: string }
  /** Who made a change, while nobody is asked who they are. */
  readonly author: { readonly name: string; readonly email: string }
  /** Whether strangers are kept out by something else, so that anybody may ask under any name of this server. */
  readonly allowsAnonymous: boolean
  /** Names under which it may be asked while nobody is asked who they are, beside its own; `*` for any. */
  readonly allowedHosts: readonly string[]
  /** What browsers see: an address without a path. */
  readonly publicUrl: string | undefined
  /** How many requests a minute a principal may send. */
  readonly requestsPerMinute: number
  /** Addresses and networks whose X-Forwarded-For is believed. */
  readonly trustedProxies: readonly string[]
  readonly auth: AuthConfig
  /** How many commands may wait to be decided. */
  readonly maximumQueueSize: number
  /** How long what has begun may take when the process is told to end. */
  readonly shutdownSeconds: number
  /** Where figures are served to everybody; undefined when they are served beside everything else. */
  readonly metrics: { readonly host: string; readonly port: number } | undefined
}

/** All that is wrong with the configuration, one sentence each. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(problems.join('\n'))
    this.problems = problems
  }
}

const prefix = 'SIGNALBOX_'
const loopback = /^(localhost|127(\.\d{1,3}){3}|::1|\[::1\])$/i

const oneLine = z.string().regex(/^\P{Cc}+$/u, 'must be one line of text')
/** An IPv6 address may stand in brackets, as in a URL. */
const listenAddress = oneLine.transform((host) => host.replace(/^\[(.*)\]$/, '$1'))
const flag = z.enum(['true', 'false'], { error: 'must be true or false' }).transform((value) => value === 'true')

const webUrl = z.string().refine(isWebUrl, 'must be an address such as https://argocd.example.com')
const wholeNumber = (from: number, to: number) =>
  z.coerce
    .number({ error: 'must be a number' })
    .int('must be a whole number')
    .min(from, `must be at least ${from}`)
    .max(to, `must be at most ${to}`)

const schema = z.object({
  HOST: listenAddress.default('127.0.0.1'),
  PORT: z.coerce
    .number({ error: 'must be a number' })
    .int('must be a whole number')
    .min(0, 'must be at least 0 (0 takes any free port)')
    .max(65_535, 'must be at most 65535')
    .default(8080),
  BRANCH: z
    .string()
    .regex(/^(?!refs\/)[A-Za-z0-9_][A-Za-z0-9_./-]*$/, 'must be a branch name such as main')
    .refine((name) => !/\.\.|\/\/|[/.]$|\.lock(\/|$)|\/\./.test(name), 'is no branch name that git would accept')
    .optional(),
  LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], {
      error: 'must be one of trace, debug, info, warn, error, fatal, silent',
    })
    .default('info'),
  JSON: z.enum(['proto', 'kuberpult'], { error: 'must be proto or kuberpult' }).default('proto'),
  ALLOWED_DOMAINS: z
    .string()
    .transform((list) => list.split(',').map((domain) => domain.trim().toLowerCase()))
    .refine(
      (domains) => domains.every((domain) => /^[a-z0-9.-]+$/.test(domain)),
      'must be host names separated by commas',
    )
    .optional(),
  ARGO_CD_GENERATE_FILES: flag.default(true),
  ARGO_CD_REPOSITORY_URL: oneLine.optional(),
  RELEASE_VERSIONS_LIMIT: wholeNumber(5, 30).default(20),
  WRITE_COMMIT_DATA: flag.default(false),
  ALLOW_LONG_APP_NAMES: flag.default(false),
  ARGO_CD_SERVER: webUrl.optional(),
  ARGO_CD_INSECURE: flag.default(false),
  GIT_WEB_URL: webUrl.optional(),
  MAXIMUM_RELEASE_BYTES: wholeNumber(1, 2 ** 30).default(32 * 1024 * 1024),
  MAXIMUM_MANIFEST_BYTES: wholeNumber(1, 2 ** 30).default(10 * 1024 * 1024),
  MAXIMUM_RELEASE_VALUE_BYTES: wholeNumber(1, 2 ** 30).default(64 * 1024),
  MAXIMUM_RELEASE_PARTS: wholeNumber(1, 100_000).default(1000),
  MANIFEST_CHECK_MEMORY_MB: wholeNumber(32, 65_536).default(768),
  MANIFEST_CHECK_SECONDS: wholeNumber(1, 3600).default(30),
  GIT_COMMITTER_NAME: oneLine.default('Signalbox'),
  GIT_COMMITTER_EMAIL: oneLine.default('signalbox@localhost'),
  GIT_AUTHOR_NAME: oneLine.default('Signalbox'),
  GIT_AUTHOR_EMAIL: oneLine.default('signalbox@localhost'),
  ALLOW_ANONYMOUS: flag.default(false),
  ALLOWED_HOSTS: z
    .string()
    .transform((list) => list.split(',').map((host) => host.trim().toLowerCase()))
    .refine(
      (hosts) => hosts.every((host) => host === '*' || /^[a-z0-9.-]+$/.test(host)),
      'must be host names separated by commas, or *',
    )
    .default([]),
  PUBLIC_URL: z
    .string()
    .refine(
      (url) => isWebUrl(url) && new URL(url).pathname === '/',
      'must be an address such as https://signalbox.example.com',
    )
    .transform((url) => new URL(url).origin)
    .optional(),
  RETRY_AFTER_SECONDS: wholeNumber(1, 3600).default(5),
  RATE_LIMIT: wholeNumber(60, 1_000_000).default(600),
  TRUSTED_PROXIES: z
    .string()
    .transform((list) => list.split(',').map((address) => address.trim()))
    .refine(
      (addresses) => addresses.every(isNetwork),
      'must be addresses or networks separated by commas, such as 10.0.0.0/8, and none wider than /8 (IPv6: /7)',
    )
    .default([]),
  MAXIMUM_QUEUE_SIZE: wholeNumber(2, 100_000).default(1000),
  SHUTDOWN_SECONDS: wholeNumber(1, 3600).default(20),
  METRICS_HOST: listenAddress.optional(),
  METRICS_PORT: wholeNumber(0, 65_535).optional(),
  ...authVariables,
  ...remoteVariables,
})

/** The names of all variables. */
export const variableNames: readonly string[] = Object.keys(schema.shape).map((name) => prefix + name)

/**
 * Reads the configuration from environment variables; an empty one counts as unset. Throws ConfigError with all
 * problems at once.
 */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): ServerConfig {
  const values: Record<string, string> = {}
  for (const name of Object.keys(schema.shape)) {
    const value = environment[prefix + name]
    if (value !== undefined && value !== '' && !(name.endsWith('PORT') && isServiceLink(value))) values[name] = value
  }
  const parsed = schema.safeParse(values)
  const problems = (parsed.error?.issues ?? []).map(({ path: [name = ''], message }) => {
    const value = isSecret(String(name)) ? undefined : values[String(name)]
    return `${prefix}${String(name)} ${message}${value === undefined ? '' : `, not '${withoutCredentials(value)}'`}`
  })
  problems.push(...findAuthProblems(values, prefix), ...findRemoteProblems(values, prefix))
  const { HOST: host = '127.0.0.1', ALLOW_ANONYMOUS: allowAnonymous, AUTH: auth = 'none' } = values
  if (auth === 'none' && !loopback.test(host) && allowAnonymous !== 'true') {
    problems.push(
      `${prefix}HOST is '${host}': everyone who reaches it could run trains, because nobody is asked who they are. ` +
        `Set ${prefix}AUTH=oidc to ask them, listen on 127.0.0.1, or set ${prefix}ALLOW_ANONYMOUS=true if something ` +
        'else keeps strangers out',
    )
  }
  if (values['METRICS_HOST'] !== undefined && values['METRICS_PORT'] === undefined) {
    problems.push(`${prefix}METRICS_HOST means nothing without ${prefix}METRICS_PORT`)
  }
  if (!parsed.success || problems.length > 0) throw new ConfigError(problems)
  const config = parsed.data
  return {
    host: config.HOST,
    port: config.PORT,
    repository: config.REPOSITORY,
    remote: toRemoteConfig(config),
    clonePath: config.CLONE_PATH,
    fetchInterval: config.FETCH_INTERVAL,
    hookSecret: toSecret(config.HOOK_SECRET, config.HOOK_SECRET_FILE),
    retryAfter: config.RETRY_AFTER_SECONDS,
    branch: config.BRANCH,
    logLevel: config.LOG_LEVEL,
    json: config.JSON,
    allowedDomains: config.ALLOWED_DOMAINS,
    releaseVersionsLimit: config.RELEASE_VERSIONS_LIMIT,
    writesCommitData: config.WRITE_COMMIT_DATA,
    allowsLongApplicationNames: config.ALLOW_LONG_APP_NAMES,
    argoCd: {
      generateFiles: config.ARGO_CD_GENERATE_FILES,
      repositoryUrl: config.ARGO_CD_REPOSITORY_URL,
      server: config.ARGO_CD_SERVER,
      isInsecure: config.ARGO_CD_INSECURE,
    },
    gitWebUrl: config.GIT_WEB_URL,
    releases: {
      maximumBytes: config.MAXIMUM_RELEASE_BYTES,
      maximumManifestBytes: config.MAXIMUM_MANIFEST_BYTES,
      maximumValueBytes: config.MAXIMUM_RELEASE_VALUE_BYTES,
      maximumParts: config.MAXIMUM_RELEASE_PARTS,
    },
    manifestCheck: { maximumMemory: config.MANIFEST_CHECK_MEMORY_MB, maximumSeconds: config.MANIFEST_CHECK_SECONDS },
    committer: { name: config.GIT_COMMITTER_NAME, email: config.GIT_COMMITTER_EMAIL },
    author: { name: config.GIT_AUTHOR_NAME, email: config.GIT_AUTHOR_EMAIL },
    allowsAnonymous: config.ALLOW_ANONYMOUS,
    allowedHosts: config.ALLOWED_HOSTS,
    publicUrl: config.PUBLIC_URL,
    requestsPerMinute: config.RATE_LIMIT,
    trustedProxies: config.TRUSTED_PROXIES,
    auth: toAuthConfig(config),
    maximumQueueSize: config.MAXIMUM_QUEUE_SIZE,
    shutdownSeconds: config.SHUTDOWN_SECONDS,
    metrics:
      config.METRICS_PORT === undefined
        ? undefined
        : { host: config.METRICS_HOST ?? config.HOST, port: config.METRICS_PORT },
  }
}

function toSecret(value: string | undefined, file: string | undefined): ServerConfig['hookSecret'] {
  if (value !== undefined) return { value }
  return file === undefined ? undefined : { file }
}

/** Such a value is never repeated. */
function isSecret(name: string): boolean {
  return name.endsWith('_SECRET') || name.endsWith('_TOKEN')
}

/** An address of http or https that more can be appended to, without credentials: it stands in logs. */
function isWebUrl(text: string): boolean {
  if (!URL.canParse(text) || /[?#\s]/u.test(text)) return false
  const { protocol, username, password } = new URL(text)
  return /^https?:$/u.test(protocol) && username === '' && password === ''
}

/** What the client reads: a shell in which both run has them too. */
const clientVariables: readonly string[] = ['SIGNALBOX_URL', 'SIGNALBOX_TOKEN']

/** Kuberpult's variables that are called otherwise here, without prefixes: of all that differ, those whose lack would surprise most. */
const renamed: Readonly<Record<string, string>> = {
  GIT_URL: 'REPOSITORY',
  GIT_BRANCH: 'BRANCH',
  GIT_WRITE_COMMIT_DATA: 'WRITE_COMMIT_DATA',
  DEX_ENABLED: 'AUTH',
  DEX_BASE_URL: 'OIDC_ISSUER',
  DEX_CLIENT_ID: 'OIDC_AUDIENCE',
  DEX_RBAC_POLICY_PATH: 'RBAC_POLICY',
  DEX_RBAC_TEAM_PATH: 'RBAC_TEAMS',
}

/**
 * Kuberpult's variables that are set while ours of the same meaning is not: somebody who has just switched may think that they
 * are read.
 */
export function unreadVariables(
  environment: Readonly<Record<string, string | undefined>>,
): readonly { readonly name: string; readonly instead: string }[] {
  return Object.keys(environment)
    .toSorted()
    .flatMap((name) => {
      const [, rest] = /^KUBERPULT_(.+)$/.exec(name) ?? []
      if (rest === undefined) return []
      const instead = prefix + (renamed[rest] ?? rest)
      return variableNames.includes(instead) && !environment[instead] ? [{ name, instead }] : []
    })
}

/**
 * An IP address, or a network such as `10.0.0.0/8`. None that is wider than the widest private ones: whoever is in it says where they
 * are, and a few of those would be everybody. IPv4 networks are to be
 * written as such: `::ffff:0:0/96` is all of IPv4.
 */
function isNetwork(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/')
  const version = isIP(address)
  if (version === 0 || rest.length > 0) return false
  if (bits === undefined) return true
  if (!/^[1-9]\d{0,2}$/.test(bits)) return false
  const width = Number(bits)
  if (version === 4) return width >= 8 && width <= 32
  if (width < 7 || width > 128 || new URL(`http://[${address}]`).hostname.startsWith('[::ffff:')) return false
  const network = new BlockList()
  network.addSubnet(address, width, 'ipv6')
  return !network.check('0.0.0.0', 'ipv4')
}

/** Variables with our prefix that mean nothing: mostly misspelt ones. */
export function unknownVariables(environment: Readonly<Record<string, string | undefined>>): readonly string[] {
  return Object.keys(environment)
    .filter((name) => name.startsWith(prefix) && !variableNames.includes(name) && !clientVariables.includes(name))
    .filter((name) => !/^SIGNALBOX_(METRICS_)?(SERVICE_|PORT_)/.test(name))
    .toSorted()
}

/**
 * In a cluster with a Service called signalbox, Kubernetes itself sets SIGNALBOX_PORT to something like this, and with one called
 * signalbox-metrics SIGNALBOX_METRICS_PORT.
 */
function isServiceLink(value: string): boolean {
  return /^(tcp|udp|sctp):\/\//.test(value)
}
