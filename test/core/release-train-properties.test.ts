import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Locks } from '../../src/core/lock.ts'
import type { Principal } from '../../src/core/principal.ts'
import { createUnrestrictedPrincipal } from '../../src/core/principal.ts'
import type { Readable } from '../../src/core/readable.ts'
import { createReleaseTrain } from '../../src/core/release-train.ts'
import type { ApplicationPrognosis, Prognosis, ReleaseTrainRequest } from '../../src/core/release-train-prognosis.ts'
import { prognoseReleaseTrain } from '../../src/core/release-train-prognosis.ts'
import type { TargetLookup } from '../../src/core/release-train-target.ts'
import type { Snapshot } from '../../src/core/snapshot.ts'
import type { RepositoryFacts } from '../support/snapshot-arbitrary.ts'
import {
  judgedAt,
  reordered,
  repositories,
  targetsOf,
  teamNames,
  toSnapshot,
  withoutLocks,
} from '../support/snapshot-arbitrary.ts'
import { writeSettings } from '../support/write-settings.ts'

interface Situation {
  readonly repository: RepositoryFacts
  readonly target: string
  readonly lookup: TargetLookup
  /** The applications that the principal may not deploy, and the teams that they are not in. */
  readonly denied: readonly string[]
  readonly foreignTeams: readonly (string | undefined)[]
}

/** A repository, and somebody who asks for a target that exists in it. */
const situations: fc.Arbitrary<Situation> = repositories.chain((repository) =>
  fc.record({
    repository: fc.constant(repository),
    target: fc.constantFrom(...targetsOf(repository)),
    lookup: fc.constantFrom<TargetLookup>('environment-first', 'group-first'),
    denied: fc.oneof({ arbitrary: fc.constant([]), weight: 3 }, fc.subarray(['cart', 'web'])),
    foreignTeams: fc.oneof({ arbitrary: fc.constant([]), weight: 3 }, fc.subarray([...teamNames, undefined])),
  }),
)

describe('a prognosis', () => {
  it('is made for every target that exists', () => {
    holds(({ prognosis, situation }) => {
      expect(prognosis.target.name).toBe(situation.target)
    })
  })

  it('has every environment of the target exactly once, sorted', () => {
    holds(({ prognosis, situation: { repository, target, lookup } }) => {
      const members = Object.entries(repository.environments).flatMap(([name, { group }]) =>
        group === target ? [name] : [],
      )
      const isGroup = members.length > 0 && (lookup === 'group-first' || !(target in repository.environments))
      expect(prognosis.environments.map(({ environment }) => environment)).toEqual(
        isGroup ? members.toSorted() : [target],
      )
    })
  })

  it('has every application of an environment at most once, sorted', () => {
    holds(({ prognosis }) => {
      for (const { outcome } of prognosis.environments) {
        const names = outcome.kind === 'decided' ? outcome.applications.map(({ application }) => application) : []
        expect(names).toEqual([...new Set(names)].toSorted())
      }
    })
  })

  it('decides an environment of a group as it decides it alone', () => {
    holds(({ prognosis, ask }) => {
      for (const environment of prognosis.environments) {
        const alone = ask({ target: environment.environment, lookup: 'environment-first' })
        expect(alone.environments).toEqual([environment])
      }
    })
  })

  it('does not depend on the order in which anything was put into the snapshot', () => {
    fc.assert(
      fc.property(situations, fc.nat({ max: 65_520 }), (situation, seed) => {
        const snapshot = toSnapshot(situation.repository)
        expect(prognose(reordered(snapshot, seed), situation)).toEqual(prognose(snapshot, situation))
      }),
      { numRuns },
    )
  })

  it('does not depend on releases that the snapshot need not hold', () => {
    holds(({ prognosis, situation }) => {
      expect(prognose(toSnapshot(situation.repository, { releases: 'all' }), situation)).toEqual(prognosis)
    })
  })

  it('lets only releases travel that exist and have a manifest there', () => {
    holds(({ prognosis, snapshot }) => {
      for (const { environment, application, release } of travelling(prognosis)) {
        expect(release.manifests.has(environment)).toBe(true)
        const known = snapshot.applications.get(application)
        expect(known?.ok && known.value.releases.get(release.version)).toEqual({ ok: true, value: release })
      }
    })
  })

  it('lets nothing travel to where it is', () => {
    holds(({ prognosis }) => {
      for (const { deployedVersion, release } of travelling(prognosis))
        expect(release.version).not.toBe(deployedVersion)
    })
  })

  it('lets nothing travel past a lock', () => {
    holds(({ prognosis, snapshot }) => {
      for (const { environment: name, application, team } of travelling(prognosis)) {
        const environment = snapshot.environments.get(name)
        expect(holdingIn(environment?.locks)).toEqual([])
        const entry = environment?.applications.ok ? environment.applications.value.get(application) : undefined
        expect(entry?.ok === true ? holdingIn(entry.value.locks) : []).toEqual([])
        const teamLocks =
          environment?.teamLocks.ok && team !== undefined ? environment.teamLocks.value.get(team) : undefined
        expect(holdingIn(teamLocks)).toEqual([])
      }
    })
  })

  it('lets nothing travel that the principal may not deploy', () => {
    holds(({ prognosis, situation }) => {
      for (const { application, team } of travelling(prognosis)) {
        expect(situation.denied).not.toContain(application)
        expect(situation.foreignTeams).not.toContain(team)
      }
    })
  })

  it('has a version wait for a lock exactly when it would travel without any lock', () => {
    holds(({ prognosis, situation }) => {
      const unlocked = prognose(toSnapshot(withoutLocks(situation.repository)), situation)
      const destinations = new Map(
        travelling(unlocked).map((one) => [`${one.environment} ${one.application}`, one.release]),
      )
      for (const { environment, application, outcome } of decisions(prognosis)) {
        if (!('heldVersion' in outcome)) continue
        expect(outcome.heldVersion).toBe(destinations.get(`${environment} ${application}`)?.version)
      }
    })
  })

  it('stays as it is until the moment that it names, and no longer', () => {
    holds(({ prognosis, snapshot, situation }) => {
      const { validUntil } = prognosis
      const farAway = new Date(judgedAt.getTime() + 1e10)
      const last = validUntil === undefined ? farAway : new Date(validUntil.getTime() - 1)
      expect(prognose(snapshot, situation, {}, last)).toEqual(prognosis)
      if (validUntil === undefined) return
      expect(validUntil.getTime()).toBeGreaterThan(judgedAt.getTime())
      expect(prognose(snapshot, situation, {}, validUntil)).not.toEqual(prognosis)
    })
  })

  it('for a team is the part of the whole that is about its applications', () => {
    fc.assert(
      fc.property(situations, fc.constantFrom(...teamNames, 'nobody'), (situation, team) => {
        const snapshot = toSnapshot(situation.repository)
        const whole = prognose(snapshot, situation)
        const filtered = prognose(snapshot, situation, { team })
        // An application whose team nobody can read stays with its reason: it may be of this team.
        const mayBeOf = (one: ApplicationPrognosis) =>
          one.team === team || (one.team === undefined && hasUnknownTeam(snapshot, one.application))
        expect(filtered.environments).toEqual(
          whole.environments.map((environment) =>
            environment.outcome.kind === 'skipped'
              ? environment
              : {
                  ...environment,
                  outcome: { kind: 'decided', applications: environment.outcome.applications.filter(mayBeOf) },
                },
          ),
        )
        for (const one of travelling(filtered)) expect(one.team).toBe(team)
      }),
      { numRuns },
    )
  })
})

describe('a release train', () => {
  it('answers the prognosis, and changes what travels or waits for a lock and nothing else', () => {
    holds(({ prognosis, snapshot, situation }) => {
      const train = createReleaseTrain({
        request: requestOf(situation),
        ciLink: undefined,
        accepts: () => true,
        settings: writeSettings(),
      })
      const principal = principalOf(situation)
      const { changes, result } = train.decide({ snapshot, loaded: new Map(), principal, now: judgedAt })
      expect(result).toEqual(prognosis)

      const paths = changes.map(({ path }) => path)
      expect(paths).toHaveLength(new Set(paths).size)
      const directories = new Set(paths.map((path) => /^environments\/[^/]+\/applications\/[^/]+/.exec(path)?.[0]))
      const touchable = decisions(prognosis).flatMap(({ environment, application, outcome }) => {
        const mayChange = outcome.kind === 'travels' || ('heldVersion' in outcome && outcome.heldVersion !== undefined)
        return mayChange ? [`environments/${environment}/applications/${application}`] : []
      })
      expect(touchable).toEqual(expect.arrayContaining([...directories]))
      for (const { environment, application, release } of travelling(prognosis)) {
        expect(changes).toContainEqual({
          path: `environments/${environment}/applications/${application}/version`,
          content: { kind: 'link', target: `../../../../applications/${application}/releases/${release.version}` },
        })
      }
    })
  })
})

describe('generated repositories', () => {
  it('lead to every outcome, so that the properties are about something', () => {
    const seen = new Set<string>()
    fc.assert(
      fc.property(situations, (situation) => {
        for (const { outcome } of prognose(toSnapshot(situation.repository), situation).environments) {
          if (outcome.kind === 'skipped') seen.add(outcome.cause)
          else for (const { outcome: of } of outcome.applications) seen.add(of.kind === 'skipped' ? of.cause : of.kind)
        }
      }),
      { numRuns: 2000, seed: 42 },
    )
    expect([...seen].toSorted()).toEqual([
      'APP_ALREADY_IN_UPSTREAM_VERSION',
      'APP_DOES_NOT_EXIST_IN_ENV',
      'APP_HAS_NO_VERSION_IN_UPSTREAM_ENV',
      'APP_IS_LOCKED',
      'APP_UNREADABLE',
      'ENV_HAS_BOTH_UPSTREAM_LATEST_AND_UPSTREAM_ENV',
      'ENV_HAS_NO_UPSTREAM',
      'ENV_HAS_NO_UPSTREAM_LATEST_OR_UPSTREAM_ENV',
      'ENV_IS_LOCKED',
      'ENV_UNREADABLE',
      'NO_TEAM_PERMISSION',
      'TEAM_IS_LOCKED',
      'UPSTREAM_ENV_CONFIG_NOT_FOUND',
      'travels',
    ])
  })
})

const numRuns = 1000

interface Case {
  readonly situation: Situation
  readonly snapshot: Snapshot
  readonly prognosis: Prognosis
  readonly ask: (other: Partial<ReleaseTrainRequest>) => Prognosis
}

/** Checks something about the prognosis of many situations. */
function holds(check: (of: Case) => void): void {
  fc.assert(
    fc.property(situations, (situation) => {
      const snapshot = toSnapshot(situation.repository)
      const ask = (other: Partial<ReleaseTrainRequest>) => prognose(snapshot, situation, other)
      check({ situation, snapshot, prognosis: ask({}), ask })
    }),
    { numRuns },
  )
}

function requestOf({ target, lookup }: Situation): ReleaseTrainRequest {
  return { target, lookup, team: undefined }
}

function principalOf({ denied, foreignTeams }: Situation): Principal {
  return {
    ...createUnrestrictedPrincipal({ name: 'Deployer', email: 'deployer@example.com' }),
    mayDo: (action, { application }) =>
      action !== 'DeployRelease' || (application === undefined ? denied.length === 0 : !denied.includes(application)),
    isInTeam: (team) => (team === undefined ? foreignTeams.length === 0 : !foreignTeams.includes(team)),
  }
}

function prognose(
  snapshot: Snapshot,
  situation: Situation,
  other: Partial<ReleaseTrainRequest> = {},
  now: Date = judgedAt,
): Prognosis {
  return prognoseReleaseTrain(snapshot, { ...requestOf(situation), ...other }, principalOf(situation), now)
}

function decisions({ environments }: Prognosis) {
  return environments.flatMap(({ environment, outcome }) =>
    outcome.kind === 'decided' ? outcome.applications.map((application) => ({ environment, ...application })) : [],
  )
}

function travelling(prognosis: Prognosis) {
  return decisions(prognosis).flatMap(({ outcome, ...decision }) =>
    outcome.kind === 'travels' ? [{ ...decision, release: outcome.release }] : [],
  )
}

function holdingIn(locks: Readable<Locks> | undefined): readonly string[] {
  if (locks === undefined || !locks.ok) return []
  return [...locks.value.values()]
    .filter(({ expiresAt }) => expiresAt === undefined || expiresAt.getTime() > judgedAt.getTime())
    .map(({ id }) => id)
}

function hasUnknownTeam(snapshot: Snapshot, name: ApplicationPrognosis['application']): boolean {
  const application = snapshot.applications.get(name)
  return application !== undefined && !(application.ok && application.value.team.ok)
}
