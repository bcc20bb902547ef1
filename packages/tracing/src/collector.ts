// The way to a collector: which one the OTEL_* variables name, and how it is spoken to. What does the speaking is loaded when it is needed.
import { ErrataError } from '@errata/contracts';
import type { Collector } from './span.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const protocols = ['http/protobuf', 'http/json'] as const;

/** @throws ErrataError `invalid_request` */
export async function openCollector(
  service: string,
  environment: Environment,
  delayMs: number | undefined,
): Promise<Collector> {
  const exporter = environment.OTEL_TRACES_EXPORTER || 'otlp';
  if (exporter !== 'otlp') throw unknown('OTEL_TRACES_EXPORTER', exporter, ['otlp', 'none']);
  const variable = environment.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL
    ? 'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL'
    : 'OTEL_EXPORTER_OTLP_PROTOCOL';
  const asked = environment[variable] || 'http/protobuf';
  const protocol = protocols.find((known) => known === asked);
  if (protocol === undefined) throw unknown(variable, asked, protocols);
  const { openOtlp } = await import('./otlp.ts');
  return openOtlp(service, protocol, environment.OTEL_BSP_SCHEDULE_DELAY ? undefined : delayMs);
}

const unknown = (variable: string, value: string, known: readonly string[]): ErrataError =>
  new ErrataError(
    'invalid_request',
    `settings: ${variable}: ${JSON.stringify(value)} is not among ${known.join(', ')}`,
  );
