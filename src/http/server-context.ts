import type { FastifyRequest } from 'fastify'
import type { Principal } from '../core/principal.ts'
import type { WriteSettings } from '../core/write-settings.ts'
import type { ManifestChecker } from '../manifest-check/manifest-checker.ts'
import type { ManifestStore } from '../manifest-store/manifest-store.ts'
import type { FormLimits } from './form.ts'
import type { RequestObserver } from './request-observer.ts'

/** What the routes work with. */
export interface ServerContext {
  readonly settings: WriteSettings
  readonly store: ManifestStore
  readonly manifestChecker: ManifestChecker
  readonly clock: () => Date
  readonly principalOf: (request: FastifyRequest) => Principal
  /** What does not work as it should beside the store, as sentences. */
  readonly problems: () => readonly string[]
  /** What is answered where the client has no preference. */
  readonly json: 'proto' | 'kuberpult'
  /** Hosts that a ciLink may name; undefined for all. */
  readonly allowedDomains: readonly string[] | undefined
  /** Whether the names of new applications may have 70 characters instead of 39. */
  readonly allowsLongApplicationNames: boolean
  /** Of the forms that releases come in. */
  readonly formLimits: FormLimits
  readonly observer?: RequestObserver | undefined
}
