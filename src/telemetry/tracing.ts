import type { RequestTracer } from '../http/request-trace.ts'
import type { StoreTracer } from '../manifest-store/store-observer.ts'

export interface Tracing extends RequestTracer, StoreTracer {
  /** Sends what has not been sent yet. */
  readonly close: () => Promise<void>
}

export interface TracingOptions {
  /** With OpenTelemetry's own variables. */
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly version: string
  readonly log: { warn(details: object, message: string): void }
}

/**
 * Makes traces when OpenTelemetry's variables name a collector to send them to; otherwise nothing of it is even loaded. The packages are
 * optional: where they were left out, a line says so.
 */
export async function createTracing(options: TracingOptions): Promise<Tracing | undefined> {
  const { environment, log } = options
  if (!isWanted(environment)) return undefined
  const protocol = environment['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL'] ?? environment['OTEL_EXPORTER_OTLP_PROTOCOL']
  if (protocol !== undefined && protocol !== '' && protocol !== 'http/json') {
    log.warn({ protocol }, 'traces are sent as http/json, whatever OTEL_EXPORTER_OTLP_PROTOCOL says')
  }
  try {
    const { createOtelTracing } = await import('./otel-tracing.ts')
    return createOtelTracing(options)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error
    log.warn({ err: error }, 'no traces are made: the packages for that were left out when Signalbox was installed')
    return undefined
  }
}

function isWanted(environment: TracingOptions['environment']): boolean {
  if (environment['OTEL_SDK_DISABLED']?.toLowerCase() === 'true' || environment['OTEL_TRACES_EXPORTER'] === 'none')
    return false
  return Boolean(environment['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'] || environment['OTEL_EXPORTER_OTLP_ENDPOINT'])
}
