// Spans of this process. Where the environment names no collector nothing is loaded, and work is done as if this were not here.
import { openCollector } from './collector.ts';
import type { Collector, OpenSpan, SpanOptions } from './span.ts';

let collector: Collector | undefined;

/** Longest wait for the last spans to leave, in ms. */
const stopMs = 2000;

export interface TracingOptions {
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Spans leave after so long, in ms, unless `OTEL_BSP_SCHEDULE_DELAY` says otherwise: less for a process that may be killed. */
  readonly delayMs?: number;
}

/**
 * Begins to trace where the environment asks for it: `OTEL_EXPORTER_OTLP_ENDPOINT` or `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` is set, or
 * `OTEL_TRACES_EXPORTER` is `otlp`, and neither that is `none` nor `OTEL_SDK_DISABLED` is `true`.
 * @param service what this process is called unless `OTEL_SERVICE_NAME` says otherwise
 * @returns what sends the last spans
 * @throws ErrataError `invalid_request` for a protocol or an exporter that is not known
 */
export async function startTracing(
  service: string,
  { environment = process.env, delayMs }: TracingOptions = {},
): Promise<() => Promise<void>> {
  if (!isAskedFor(environment)) return async () => {};
  const opened = await openCollector(service, environment, delayMs);
  collector = opened;
  return async () => {
    collector = undefined;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, stopMs);
    });
    // A collector that is away is no reason to complain of the end.
    await Promise.race([opened.stop().catch(() => {}), late]).finally(() => clearTimeout(timer));
  };
}

function isAskedFor(environment: Readonly<Record<string, string | undefined>>): boolean {
  const exporter = environment.OTEL_TRACES_EXPORTER;
  if (environment.OTEL_SDK_DISABLED?.toLowerCase() === 'true' || exporter === 'none') return false;
  const named = environment.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT || environment.OTEL_EXPORTER_OTLP_ENDPOINT;
  return Boolean(named || exporter);
}

/** Whether spans are of any use. */
export const isTracing = (): boolean => collector !== undefined;

/** The `traceparent` of what is going on here, to be sent or stored with what follows from it; undefined where nothing is traced. */
export const currentTraceparent = (): string | undefined => collector?.current();

/** Begins a span whose end is elsewhere; undefined where nothing is traced. */
export const startSpan = (name: string, options: SpanOptions = {}): OpenSpan | undefined =>
  collector?.start(name, options);

/** Does `work` within a span, which fails as it does. */
export async function inSpan<T>(
  name: string,
  options: SpanOptions,
  work: (span: OpenSpan | undefined) => Promise<T>,
): Promise<T> {
  const span = startSpan(name, options);
  if (span === undefined) return work(undefined);
  try {
    const result = await span.within(() => work(span));
    span.end();
    return result;
  } catch (error) {
    span.end({ error });
    throw error;
  }
}
