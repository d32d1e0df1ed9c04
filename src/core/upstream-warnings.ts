import type { Environment } from './environment.ts'
import type { EnvironmentName } from './names.ts'
import { describeEnvironmentSkip } from './skip-cause.ts'
import type { Snapshot } from './snapshot.ts'

/**
 * What about its upstream makes a train to the environment impossible or surprising, as sentences. Where a train would be
 * skipped, in the words of the skip. An environment without an upstream is no mistake: nothing is said about it.
 */
export function upstreamWarnings(snapshot: Snapshot, environment: Environment): readonly string[] {
  const { config } = environment
  if (!config.ok) return [describeEnvironmentSkip({ cause: 'ENV_UNREADABLE', reason: config.reason })]
  if (config.value.upstream === undefined) return []
  const { environment: upstream, latest } = config.value.upstream
  if (upstream === undefined) {
    return latest ? [] : [describeEnvironmentSkip({ cause: 'ENV_HAS_NO_UPSTREAM_LATEST_OR_UPSTREAM_ENV' })]
  }
  if (latest) return [describeEnvironmentSkip({ cause: 'ENV_HAS_BOTH_UPSTREAM_LATEST_AND_UPSTREAM_ENV' })]
  if (upstream === environment.name) return ['its upstream is the environment itself']

  const source = snapshot.environments.get(upstream)
  if (source === undefined) return [describeEnvironmentSkip({ cause: 'UPSTREAM_ENV_CONFIG_NOT_FOUND', upstream })]
  for (const part of [source.config, source.applications]) {
    if (!part.ok) {
      const reason = `its upstream '${upstream}': ${part.reason}`
      return [describeEnvironmentSkip({ cause: 'ENV_UNREADABLE', reason })]
    }
  }
  return cycleWarnings(snapshot, environment)
}

/** In a cycle no version ever arrives from outside it. */
function cycleWarnings(snapshot: Snapshot, environment: Environment): readonly string[] {
  const path = new Set<EnvironmentName>()
  let current: EnvironmentName | undefined = environment.name
  while (current !== undefined) {
    if (path.has(current)) {
      const cycle = [...path, current].join(' -> ')
      return [
        current === environment.name
          ? `its upstreams form a cycle: ${cycle}`
          : `its upstreams lead into a cycle: ${cycle}`,
      ]
    }
    path.add(current)
    current = upstreamEnvironmentOf(snapshot.environments.get(current))
  }
  return []
}

/** The one environment that a train would take versions from; undefined where it takes none from any. */
function upstreamEnvironmentOf(environment: Environment | undefined): EnvironmentName | undefined {
  if (environment === undefined || !environment.config.ok) return undefined
  const { upstream } = environment.config.value
  return upstream === undefined || upstream.latest ? undefined : upstream.environment
}
