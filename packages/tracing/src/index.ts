// The face of @errata/tracing: what a process was at, told to an OpenTelemetry collector, where one is named.
export type { OpenSpan, SpanOptions } from './span.ts';
export * from './spans.ts';
