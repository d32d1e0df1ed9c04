import { manifest, multipartType, toMultipart, value } from '../support/multipart.ts'
import type { Random } from './random.ts'

/** A write that is about to be sent. */
export interface PlannedWrite {
  readonly kind: string
  /** Such as `PUT /environments/staging/locks/x`. */
  readonly request: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Uint8Array | undefined
  /** Whether success means a commit. Otherwise the answer's `commit` says so. */
  readonly alwaysCommits: boolean
  /** To be called with whether it succeeded; undefined when nobody knows. */
  readonly learn?: (succeeded: boolean | undefined) => void
}

const json = { 'content-type': 'application/json' }
const environments = ['development', 'staging', 'production-de', 'production-fr'] as const
const applications = ['cart', 'catalog', 'checkout', 'inventory', 'shipping', 'web'] as const

/** How many locks one client has at a time. */
const maximumLocks = 2

/**
 * Plans writes of all kinds on the shop of manifests-fixture, as one client of several would send them. Names of what it makes are its
 * own, so that it knows which of them must succeed.
 */
export class WriteMix {
  readonly #name: string
  readonly #random: Random
  /** The paths of locks that stand, as far as this client knows. */
  readonly #locks: string[] = []
  readonly #environments: string[] = []
  #application: string | undefined
  #count = 0

  constructor(name: string, random: Random) {
    this.#name = name
    this.#random = random
  }

  /** The paths of the locks that must stand now. */
  get locks(): readonly string[] {
    return this.#locks
  }

  next(): PlannedWrite {
    const kind = this.#random.below(100)
    if (kind < 23 && this.#locks.length < maximumLocks) return this.#createLock()
    if (kind < 45) return this.#deleteLock()
    if (kind < 60) return this.#createRelease(this.#random.pick(applications))
    if (kind < 72) return this.#deploy()
    if (kind < 87) return this.#runTrain()
    if (kind < 92) return this.#changeEnvironments()
    return this.#changeApplication()
  }

  #createLock(): PlannedWrite {
    const environment = this.#random.pick(environments)
    const id = this.#makeName('lock')
    const ofApplication = () =>
      `/environments/${environment}/applications/${this.#random.pick(applications)}/locks/${id}`
    // Where everything is locked, no train has anything to carry.
    const path = this.#random.pick([
      `/environments/${environment}/locks/${id}`,
      ofApplication(),
      ofApplication(),
      `/api/environments/${environment}/lock/team/payments/${id}`,
    ])
    const body = JSON.stringify({ message: `Load test ${id}` })
    return {
      kind: 'create-lock',
      request: `PUT ${path}`,
      headers: json,
      body,
      alwaysCommits: true,
      learn: (succeeded) => {
        if (succeeded === true) this.#locks.push(path)
      },
    }
  }

  #deleteLock(): PlannedWrite {
    if (this.#locks.length === 0) return this.#createLock()
    const [path] = this.#locks.splice(this.#random.below(this.#locks.length), 1)
    return {
      kind: 'delete-lock',
      request: `DELETE ${path}`,
      headers: json,
      body: undefined,
      alwaysCommits: true,
      learn: (succeeded) => {
        if (succeeded === false && path !== undefined) this.#locks.push(path)
      },
    }
  }

  #createRelease(application: string): PlannedWrite {
    const text = `kind: ConfigMap\nmetadata:\n  name: ${this.#makeName('release')}\n`
    return {
      kind: 'create-release',
      request: 'POST /api/release',
      headers: { 'content-type': multipartType },
      body: toMultipart([
        value('application', application),
        value('source_message', text),
        ...environments.map((environment) => manifest(environment, `${text}  namespace: ${environment}\n`)),
      ]),
      alwaysCommits: true,
    }
  }

  #deploy(): PlannedWrite {
    const place = `${this.#random.pick(environments)}/applications/${this.#random.pick(applications)}`
    return {
      kind: 'deploy',
      request: `PUT /api/environments/${place}/deployment`,
      headers: json,
      body: JSON.stringify({ version: String(this.#random.pick([1, 2, 3])) }),
      alwaysCommits: false,
    }
  }

  #runTrain(): PlannedWrite {
    const target = this.#random.pick([
      'environments/staging',
      'environments/production-de',
      'environment-groups/production',
    ])
    return {
      kind: 'release-train',
      request: `PUT /api/${target}/releasetrain`,
      headers: {},
      body: undefined,
      alwaysCommits: false,
    }
  }

  #changeEnvironments(): PlannedWrite {
    const old = this.#environments.pop()
    if (old !== undefined) {
      const request = `DELETE /api/environments/${old}`
      return { kind: 'delete-environment', request, headers: {}, body: undefined, alwaysCommits: true }
    }
    const name = this.#makeName('qa')
    return {
      kind: 'create-environment',
      request: `POST /api/environments/${name}`,
      headers: json,
      body: JSON.stringify({ upstream: { environment: 'staging' } }),
      alwaysCommits: true,
      learn: (succeeded) => {
        if (succeeded === true) this.#environments.push(name)
      },
    }
  }

  /** Releases an application of its own, removes it from an environment, prepares its end, or deletes it. */
  #changeApplication(): PlannedWrite {
    if (this.#application === undefined) {
      const application = this.#makeName('own')
      return {
        ...this.#createRelease(application),
        learn: (succeeded) => {
          if (succeeded === true) this.#application = application
        },
      }
    }
    const application = this.#application
    const rest = { headers: {}, body: undefined, alwaysCommits: false }
    const path = `/api/applications/${application}`
    switch (this.#random.below(4)) {
      case 0:
        return {
          kind: 'remove-application',
          request: `DELETE /api/environments/development/applications/${application}`,
          ...rest,
        }
      case 1:
        return { kind: 'create-undeploy-release', request: `POST ${path}/undeploy-release`, ...rest }
      case 2:
        return { ...this.#createRelease(application), kind: 'create-release', alwaysCommits: true }
      default:
        this.#application = undefined
        return { kind: 'delete-application', request: `DELETE ${path}`, ...rest }
    }
  }

  #makeName(what: string): string {
    this.#count += 1
    return `${what}-${this.#name}-${this.#count}`
  }
}
