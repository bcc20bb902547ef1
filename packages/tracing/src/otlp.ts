// Spans by the SDK of OpenTelemetry, sent by OTLP over HTTP. Endpoint, headers, sampler, limits and batches are what the OTEL_* variables say.
import {
  context,
  isSpanContextValid,
  SpanKind as OtelKind,
  type Span,
  type SpanContext,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import type { Collector, OpenSpan, SpanKind } from './span.ts';

const kinds: Record<SpanKind, OtelKind> = {
  internal: OtelKind.INTERNAL,
  server: OtelKind.SERVER,
  client: OtelKind.CLIENT,
  producer: OtelKind.PRODUCER,
  consumer: OtelKind.CONSUMER,
};

const exporters = { 'http/json': JsonExporter, 'http/protobuf': ProtobufExporter };

export function openOtlp(service: string, protocol: keyof typeof exporters, delayMs: number | undefined): Collector {
  const batches = delayMs === undefined ? {} : { scheduledDelayMillis: delayMs };
  const provider = new NodeTracerProvider({
    resource: defaultResource()
      .merge(resourceFromAttributes({ 'service.name': service, 'process.pid': process.pid }))
      .merge(detectResources({ detectors: [envDetector] })),
    spanProcessors: [new BatchSpanProcessor(new exporters[protocol](), batches)],
  });
  // What others trace, within this process, belongs to it.
  provider.register();
  const tracer = trace.getTracer('errata');
  return {
    start(name, { kind = 'internal', parent, startedAt, attributes }) {
      const around = parent === undefined ? context.active() : within(parent);
      const options = {
        kind: kinds[kind],
        ...(startedAt && { startTime: startedAt }),
        ...(attributes && { attributes }),
      };
      return openSpan(tracer.startSpan(name, options, around));
    },
    current() {
      const span = trace.getActiveSpan()?.spanContext();
      return span === undefined || !isSpanContextValid(span) ? undefined : traceparentOf(span);
    },
    stop: () => provider.shutdown(),
  };
}

function openSpan(span: Span): OpenSpan {
  const around = trace.setSpan(context.active(), span);
  return {
    traceparent: traceparentOf(span.spanContext()),
    within: (work) => context.with(around, work),
    end({ attributes = {}, error } = {}) {
      span.setAttributes(attributes);
      if (error !== undefined) {
        const code = (error as { readonly code?: unknown }).code;
        span.setAttribute('error.type', typeof code === 'string' ? code : 'internal');
        // Without the message: it may quote what was asked.
        span.setStatus({ code: SpanStatusCode.ERROR });
      }
      span.end();
    },
  };
}

const traceparentOf = ({ traceId, spanId, traceFlags }: SpanContext): string =>
  `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;

/** The inside of what goes on elsewhere; of a trace of its own where that is not written as W3C Trace Context has it. */
function within(traceparent: string | null) {
  const [, traceId = '', spanId = '', flags = ''] =
    /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(traceparent ?? '') ?? [];
  const remote = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
  const root = trace.deleteSpan(context.active());
  return isSpanContextValid(remote) ? trace.setSpanContext(root, remote) : root;
}
