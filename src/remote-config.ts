import { z } from 'zod'
import type { ParsedAddress } from './manifest-store/remote/remote-address.ts'
import { isRemoteAddress, parseRemoteAddress } from './manifest-store/remote/remote-address.ts'
import type { RemoteConfig } from './manifest-store/remote/remote-config.ts'

const oneLine = z.string().regex(/^\P{Cc}+$/u, 'must be one line of text')

/** Kuberpult's form of times, such as 1m or 1m30s, or seconds. In milliseconds then. */
const duration = z
  .string()
  .regex(
    /^([0-9]{1,6}|(?=[0-9])([0-9]{1,4}h)?([0-9]{1,5}m)?([0-9]{1,6}s)?)$/u,
    'must be a time such as 90s, 1m or 1m30s',
  )
  .transform(toMilliseconds)
  .refine((milliseconds) => milliseconds >= 1000 && milliseconds <= 3_600_000, 'must be from 1s to 1h')

/** The variables that this is about, without their prefix. */
export const remoteVariables = {
  REPOSITORY: oneLine
    .superRefine((text, context) => {
      if (!isRemoteAddress(text)) return
      const parsed = parseRemoteAddress(text)
      if (!parsed.ok) context.addIssue(parsed.problem)
    })
    .optional(),
  CLONE_PATH: oneLine.default('data/clone'),
  CLONE_FILTER: z
    .string()
    .regex(
      /^(none|blob:none|blob:limit=[0-9]{1,9}[kmg]?)$/u,
      'must be none, blob:none, or a limit such as blob:limit=2k',
    )
    .default('blob:limit=2k'),
  CLONE_DEPTH: z.coerce
    .number({ error: 'must be a number' })
    .int('must be a whole number')
    .min(1, 'must be at least 1')
    .max(1_000_000_000, 'must be at most 1000000000')
    .default(1000),
  GIT_SSH_KEY: oneLine.optional(),
  GIT_SSH_KNOWN_HOSTS: oneLine.optional(),
  GIT_USERNAME: oneLine.regex(/^[^:]+$/u, 'must not have a colon in it').optional(),
  GIT_TOKEN: z
    .string()
    .regex(/^[\u0021-\u007e]+$/u, 'must be a token: one line of ASCII without spaces')
    .optional(),
  GIT_TOKEN_FILE: oneLine.optional(),
  GIT_CA_FILE: oneLine.optional(),
  GIT_NETWORK_TIMEOUT: duration.default(60_000),
  FETCH_INTERVAL: duration.default(30_000),
  HOOK_SECRET: oneLine.min(16, 'must have at least 16 characters').optional(),
  HOOK_SECRET_FILE: oneLine.optional(),
}

/** What of it cannot go together, one sentence each. `values` are the variables that are set, by name without prefix. */
export function findRemoteProblems(values: Readonly<Record<string, string>>, prefix: string): readonly string[] {
  const address = toAddress(values['REPOSITORY'])
  const set = Object.keys(remoteVariables).filter((name) => name !== 'REPOSITORY' && values[name] !== undefined)
  if (values['REPOSITORY'] !== undefined && isRemoteAddress(values['REPOSITORY']) && address === undefined) return []
  const kinds: Readonly<Record<string, string>> = {
    GIT_SSH_KEY: 'ssh',
    GIT_SSH_KNOWN_HOSTS: 'ssh',
    GIT_USERNAME: 'http',
    GIT_TOKEN: 'http',
    GIT_TOKEN_FILE: 'http',
    GIT_CA_FILE: 'http',
  }
  const hookSecrets = ['HOOK_SECRET', 'HOOK_SECRET_FILE'].filter((name) => set.includes(name))
  // Whoever names a key or a token believes that it is used.
  const forgotten = set.filter((name) => kinds[name] !== undefined && kinds[name] !== address?.kind)
  const problems = forgotten.map(
    (name) =>
      `${prefix}${name} means nothing unless ${prefix}REPOSITORY is an address of ${kinds[name] === 'ssh' ? 'ssh' : 'https or http'}`,
  )
  if (set.includes('GIT_TOKEN') && set.includes('GIT_TOKEN_FILE')) {
    problems.push(`${prefix}GIT_TOKEN and ${prefix}GIT_TOKEN_FILE are both set: one will do`)
  }
  if (hookSecrets.length > 1) {
    problems.push(`${prefix}HOOK_SECRET and ${prefix}HOOK_SECRET_FILE are both set: one will do`)
  }
  if (address === undefined) {
    problems.push(
      ...hookSecrets.map((name) => `${prefix}${name} means nothing unless ${prefix}REPOSITORY is on a git server`),
    )
  }
  return problems
}

/** The configuration, when there were no problems; undefined for a repository on this machine's disk. */
export function toRemoteConfig(config: z.infer<z.ZodObject<typeof remoteVariables>>): RemoteConfig | undefined {
  const address = toAddress(config.REPOSITORY)
  if (address === undefined) return undefined
  const { GIT_TOKEN: value, GIT_TOKEN_FILE: file } = config
  return {
    address,
    cloneFilter: config.CLONE_FILTER === 'none' ? undefined : config.CLONE_FILTER,
    cloneDepth: config.CLONE_DEPTH,
    ssh: { keyFile: config.GIT_SSH_KEY, knownHostsFile: config.GIT_SSH_KNOWN_HOSTS },
    credentials: {
      username: config.GIT_USERNAME,
      token: value === undefined ? (file === undefined ? undefined : { file }) : { value },
    },
    certificateAuthorityFile: config.GIT_CA_FILE,
    networkTimeout: config.GIT_NETWORK_TIMEOUT,
  }
}

function toAddress(text: string | undefined) {
  if (text === undefined || !isRemoteAddress(text)) return undefined
  const parsed: ParsedAddress = parseRemoteAddress(text)
  return parsed.ok ? parsed.address : undefined
}

function toMilliseconds(text: string): number {
  if (/^[0-9]+$/u.test(text)) return Number(text) * 1000
  const [, hours = 0, minutes = 0, seconds = 0] = /^(?:([0-9]+)h)?(?:([0-9]+)m)?(?:([0-9]+)s)?$/u.exec(text) ?? []
  return ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000
}
