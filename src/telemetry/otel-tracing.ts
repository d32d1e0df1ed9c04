import type { Context, Span } from '@opentelemetry/api'
import { diag, DiagLogLevel, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources'
import type { Sampler } from '@opentelemetry/sdk-trace'
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace'
import { DomainError } from '../core/errors.ts'
import type { ArrivedRequest, RequestTrace } from '../http/request-trace.ts'
import type { CommandRequest } from '../manifest-store/manifest-store.ts'
import type { StoreStep } from '../manifest-store/store-observer.ts'
import type { Tracing, TracingOptions } from './tracing.ts'

/** Traces by OpenTelemetry, sent to a collector as JSON over HTTP. Only `createTracing` loads this file. */
export function createOtelTracing({ environment, version, log }: TracingOptions): Tracing {
  // The first trouble of the exporter is worth a line; it tries again by itself.
  const warn = (message: string) => log.warn({ problem: message }, 'traces cannot be sent')
  const ignore = () => {}
  diag.setLogger({ error: warn, warn, info: ignore, debug: ignore, verbose: ignore }, DiagLogLevel.WARN)
  const provider = new TracerProvider({
    resource: defaultResource()
      .merge(resourceFromAttributes({ 'service.name': 'signalbox', 'service.version': version }))
      .merge(detectResources({ detectors: [envDetector] })),
    sampler: toSampler(environment),
    spanProcessors: [new BatchSpanProcessor({ exporter: new OTLPTraceExporter() })],
  })
  const tracer = provider.getTracer('signalbox', version)
  const propagator = new W3CTraceContextPropagator()

  return {
    requestArrived: ({ method, headers }: ArrivedRequest) => {
      const parent = propagator.extract(ROOT_CONTEXT, headers, {
        keys: Object.keys,
        get: (carrier, key) => (carrier as ArrivedRequest['headers'])[key],
      })
      const attributes = { 'http.request.method': method }
      return new RequestSpan(tracer.startSpan(method, { kind: SpanKind.SERVER, attributes }, parent))
    },
    runStep: async <T>(step: StoreStep, requests: readonly CommandRequest[], work: () => Promise<T>): Promise<T> => {
      const [first, ...others] = requests.flatMap(({ trace: of }) => (of instanceof RequestSpan ? [of] : []))
      const links = others.map(({ span }) => ({ context: span.spanContext() }))
      const attributes = { 'signalbox.commands': requests.length }
      const span = tracer.startSpan(step, { links, attributes }, first?.context ?? ROOT_CONTEXT)
      try {
        return await work()
      } catch (error) {
        tellError(span, error)
        throw error
      } finally {
        span.end()
      }
    },
    close: () => provider.shutdown(),
  }
}

class RequestSpan implements RequestTrace {
  readonly traceId: string
  readonly span: Span
  readonly context: Context

  constructor(span: Span) {
    this.span = span
    this.traceId = span.spanContext().traceId
    this.context = trace.setSpan(ROOT_CONTEXT, span)
  }

  answered({ method, route, status, requestId }: Parameters<RequestTrace['answered']>[0]): void {
    const { span } = this
    span.updateName(route === undefined ? method : `${method} ${route}`)
    span.setAttribute('signalbox.request_id', requestId)
    if (route !== undefined) span.setAttribute('http.route', route)
    if (status === undefined) span.setAttribute('error.type', 'caller left')
    else span.setAttribute('http.response.status_code', status)
    if (status !== undefined && status >= 500) span.setStatus({ code: SpanStatusCode.ERROR })
    span.end()
  }
}

/** What a rule of the domain refuses is an outcome like another. */
function tellError(span: Span, error: unknown): void {
  if (error instanceof DomainError) {
    span.setAttribute('signalbox.refused', error.code)
    return
  }
  span.recordException(error instanceof Error ? error : String(error))
  span.setStatus({ code: SpanStatusCode.ERROR })
}

/** `OTEL_TRACES_SAMPLER` and `OTEL_TRACES_SAMPLER_ARG`; by default all, but for callers that say that theirs are not. */
function toSampler(environment: TracingOptions['environment']): Sampler {
  const name = environment['OTEL_TRACES_SAMPLER'] ?? 'parentbased_always_on'
  const root = toRootSampler(name.replace(/^parentbased_/, ''), Number(environment['OTEL_TRACES_SAMPLER_ARG'] ?? 1))
  return name.startsWith('parentbased_') ? new ParentBasedSampler({ root }) : root
}

function toRootSampler(name: string, ratio: number): Sampler {
  if (name === 'always_off') return new AlwaysOffSampler()
  return name === 'traceidratio' ? new TraceIdRatioBasedSampler(ratio) : new AlwaysOnSampler()
}
