import type { Release } from '../../src/core/application.ts'
import type { Environment } from '../../src/core/environment.ts'
import type { ApplicationName, EnvironmentName, TeamName } from '../../src/core/names.ts'
import { readable } from '../../src/core/readable.ts'
import type { ApplicationPrognosis, EnvironmentPrognosis, Prognosis } from '../../src/core/release-train-prognosis.ts'
import type {
  ApplicationSkip,
  ApplicationSkipCause,
  EnvironmentSkip,
  EnvironmentSkipCause,
} from '../../src/core/skip-cause.ts'
import { aLock } from '../support/snapshot-builder.ts'

export const freeze = aLock('freeze', {
  message: 'until the fair is over',
  createdBy: { name: 'Keeper', email: 'keeper@example.com' },
  createdAt: new Date('2024-07-01T12:00:00.123Z'),
  ciLink: 'https://ci.example.com/1',
  suggestedLifetime: '2d',
  expiresAt: new Date('2024-07-03T12:00:00Z'),
})
export const audit = aLock('audit', { createdAt: undefined })

const team = 'payments' as TeamName

/** One skip of every cause there is. */
export const environmentSkips: {
  readonly [Cause in EnvironmentSkipCause]: EnvironmentSkip & { readonly cause: Cause }
} = {
  ENV_HAS_NO_UPSTREAM: { cause: 'ENV_HAS_NO_UPSTREAM' },
  ENV_HAS_NO_UPSTREAM_LATEST_OR_UPSTREAM_ENV: { cause: 'ENV_HAS_NO_UPSTREAM_LATEST_OR_UPSTREAM_ENV' },
  ENV_HAS_BOTH_UPSTREAM_LATEST_AND_UPSTREAM_ENV: { cause: 'ENV_HAS_BOTH_UPSTREAM_LATEST_AND_UPSTREAM_ENV' },
  UPSTREAM_ENV_CONFIG_NOT_FOUND: { cause: 'UPSTREAM_ENV_CONFIG_NOT_FOUND', upstream: 'nowhere' as EnvironmentName },
  ENV_IS_LOCKED: { cause: 'ENV_IS_LOCKED', locks: [audit, freeze] },
  ENV_UNREADABLE: { cause: 'ENV_UNREADABLE', reason: 'config.json is not JSON' },
}

export const applicationSkips: {
  readonly [Cause in ApplicationSkipCause]: ApplicationSkip & { readonly cause: Cause }
} = {
  APP_HAS_NO_VERSION_IN_UPSTREAM_ENV: { cause: 'APP_HAS_NO_VERSION_IN_UPSTREAM_ENV' },
  APP_ALREADY_IN_UPSTREAM_VERSION: { cause: 'APP_ALREADY_IN_UPSTREAM_VERSION', version: 5n },
  APP_IS_LOCKED: { cause: 'APP_IS_LOCKED', locks: [audit, freeze], heldVersion: undefined },
  APP_DOES_NOT_EXIST_IN_ENV: { cause: 'APP_DOES_NOT_EXIST_IN_ENV', version: 6n },
  TEAM_IS_LOCKED: { cause: 'TEAM_IS_LOCKED', team, locks: [freeze], heldVersion: 7n },
  NO_TEAM_PERMISSION: { cause: 'NO_TEAM_PERMISSION', reason: "Deployer is not in team 'payments'" },
  APP_UNREADABLE: { cause: 'APP_UNREADABLE', reason: 'team is a directory' },
}

export function aPrognosis(
  environments: readonly EnvironmentPrognosis[],
  facts: Partial<Omit<Prognosis, 'environments' | 'target'>> & { readonly target?: string } = {},
): Prognosis {
  const { target = 'staging', ...others } = facts
  return {
    team: undefined,
    warnings: [],
    validUntil: undefined,
    ...others,
    target: { kind: 'environment', name: target, environments: environments.map(anEnvironment) },
    environments,
  }
}

function anEnvironment({ environment }: EnvironmentPrognosis): Environment {
  return {
    name: environment,
    config: readable({ upstream: undefined, environmentGroup: undefined, argoCd: undefined }),
    locks: readable(new Map()),
    teamLocks: readable(new Map()),
    applications: readable(new Map()),
  }
}

export function decided(environment: string, applications: readonly ApplicationPrognosis[]): EnvironmentPrognosis {
  return {
    environment: environment as EnvironmentName,
    upstream: 'development' as EnvironmentName,
    outcome: { kind: 'decided', applications },
  }
}

export function skippedEnvironment(environment: string, skip: EnvironmentSkip): EnvironmentPrognosis {
  return { environment: environment as EnvironmentName, upstream: undefined, outcome: { kind: 'skipped', ...skip } }
}

interface ApplicationFacts {
  readonly from?: bigint
  readonly team?: string
}

export function travels(application: string, version: bigint, facts: ApplicationFacts = {}): ApplicationPrognosis {
  const release: Release = { version, manifests: new Map(), isPrepublish: false, isUndeploy: false }
  return { ...anApplication(application, facts), outcome: { kind: 'travels', release } }
}

export function stays(application: string, skip: ApplicationSkip, facts: ApplicationFacts = {}): ApplicationPrognosis {
  return { ...anApplication(application, facts), outcome: { kind: 'skipped', ...skip } }
}

function anApplication(application: string, { from, team: of }: ApplicationFacts) {
  return {
    application: application as ApplicationName,
    team: of === undefined ? undefined : (of as TeamName),
    deployedVersion: from,
  }
}

/** Every cause once, and applications that travel, with versions at every edge. */
export function aPrognosisOfEverything(): Prognosis {
  const skippedApplications = Object.values(applicationSkips).map((skip) =>
    stays(`stays-${skip.cause.toLowerCase().replaceAll('_', '-')}`, skip, { from: 5n, team: 'payments' }),
  )
  return aPrognosis(
    [
      decided('decided', [
        ...skippedApplications,
        travels('cart', 4n, { from: 3n, team: 'storefront' }),
        travels('checkout', 2n ** 53n + 1n, { from: 0n }),
        travels('web', 2n ** 64n - 1n, { from: 2n ** 64n - 2n, team: 'storefront' }),
        travels('zero', 0n),
      ]),
      decided('empty', []),
      ...Object.values(environmentSkips).map((skip) =>
        skippedEnvironment(`skipped-${skip.cause.toLowerCase().replaceAll('_', '-')}`, skip),
      ),
    ],
    {
      target: 'production',
      team: 'payments' as TeamName,
      warnings: ["the group of environment 'x' cannot be known: config.json is not JSON"],
      validUntil: new Date('2024-07-03T12:00:00.5Z'),
    },
  )
}
