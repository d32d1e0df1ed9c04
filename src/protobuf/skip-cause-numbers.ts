import type { ApplicationSkipCause, EnvironmentSkipCause } from '../core/skip-cause.ts'

/** The numbers on the wire: Kuberpult's, and from 100 on ours (spec 2.8). A test holds them against proto/. */
export const environmentSkipCauseNumbers = {
  ENV_HAS_NO_UPSTREAM: 0,
  ENV_HAS_NO_UPSTREAM_LATEST_OR_UPSTREAM_ENV: 1,
  ENV_HAS_BOTH_UPSTREAM_LATEST_AND_UPSTREAM_ENV: 2,
  UPSTREAM_ENV_CONFIG_NOT_FOUND: 3,
  ENV_IS_LOCKED: 4,
  ENV_UNREADABLE: 100,
} as const satisfies Record<EnvironmentSkipCause, number>

export const applicationSkipCauseNumbers = {
  APP_HAS_NO_VERSION_IN_UPSTREAM_ENV: 0,
  APP_ALREADY_IN_UPSTREAM_VERSION: 1,
  APP_IS_LOCKED: 2,
  APP_DOES_NOT_EXIST_IN_ENV: 3,
  TEAM_IS_LOCKED: 5,
  NO_TEAM_PERMISSION: 6,
  APP_UNREADABLE: 100,
} as const satisfies Record<ApplicationSkipCause, number>
