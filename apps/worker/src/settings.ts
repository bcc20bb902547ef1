// What a worker process is told by its environment.
import { hostname } from 'node:os';
import { type BlobPlace, blobPlace, blobVariables } from '@errata/blobs';
import { ErrataError, labelsSchema } from '@errata/contracts';
import { defaultSilenceMs } from '@errata/engine';
import { type AllowedAddresses, addressRangesSchema, allowAddresses } from '@errata/webhooks';
import { z } from 'zod';

const blank = (value: unknown) => (value === '' ? undefined : value);
const optional = <T extends z.ZodType>(schema: T) => z.preprocess(blank, schema.optional());
const whole = (least: number, fallback: number) =>
  z.preprocess(blank, z.coerce.number().int().min(least).default(fallback));
const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

/** Labels with commas between. */
const labelsOf = (text: string): string[] =>
  text
    .split(',')
    .map((label) => label.trim())
    .filter((label) => label !== '');

const environmentSchema = z.object({
  DATABASE_URL: z.string('is required').regex(/^postgres(ql)?:\/\//, 'must be a postgres:// URL'),
  QUEUE_URL: optional(z.string()),
  ...blobVariables,
  ERRATA_PROVIDER: optional(z.string()),
  ERRATA_THREADS: optional(z.coerce.number().int().min(1)),
  ENGINE_MEMORY_MB: optional(z.coerce.number().int().min(64)),
  HUB_IMPORTS: z.preprocess(blank, z.enum(['on', 'off']).default('on')),
  ENGINE_SILENCE_MS: whole(10_000, defaultSilenceMs),
  LEASE_MS: whole(500, 30_000),
  LOG_LEVEL: z.preprocess(blank, z.enum(logLevels).default('info')),
  WORKER_NAME: optional(z.string().max(200)),
  WORKER_LABELS: z.preprocess(blank, z.string().default('').transform(labelsOf).pipe(labelsSchema)),
  WORKER_CONCURRENCY: whole(1, 1),
  RETRY_MS: whole(1, 1_000),
  RECONCILE_MS: whole(100, 5_000),
  STOP_GRACE_MS: whole(0, 6_000),
  WEBHOOK_ADDRESSES: z.preprocess(blank, addressRangesSchema.optional()),
  METRICS_HOST: z.preprocess(blank, z.string().default('127.0.0.1')),
  METRICS_PORT: optional(z.coerce.number().int().min(0).max(65_535)),
});

export interface WorkerSettings {
  readonly databaseUrl: string;
  readonly queueUrl: string;
  readonly blobs: BlobPlace;
  readonly engine: {
    readonly provider?: string;
    readonly threads?: number;
    readonly memoryMb?: number;
    /** Whether models may be imported from the hub. */
    readonly hub: boolean;
  };
  /** How long the engine may work without a sign of life before it is killed and its job tried again, in ms. */
  readonly engineSilenceMs: number;
  /** How long a lane stays ours without a sign of life, in ms. It is renewed three times as often. */
  readonly leaseMs: number;
  readonly logLevel: (typeof logLevels)[number];
  /** Names this process in leases and logs. Unique to it. */
  readonly name: string;
  /** What this worker has: it takes jobs that need nothing else. */
  readonly labels: readonly string[];
  /** Lanes worked side by side. They share one engine, so more than one pays only where jobs wait for the database. */
  readonly concurrency: number;
  /** Pause before the second attempt, in ms; it doubles with every further one. */
  readonly retryMs: number;
  /** Pause between two looks for lanes that nobody works, in ms. */
  readonly reconcileMs: number;
  /** How long a running job may go on after SIGTERM before it is handed back to the queue, in ms. */
  readonly stopGraceMs: number;
  /** Where webhooks may be. */
  readonly webhookAddresses: AllowedAddresses;
  /** Where health and metrics are served; null for nowhere. Port 0 takes a free one. */
  readonly metrics: { readonly host: string; readonly port: number } | null;
}

/** @throws ErrataError `invalid_request` that names every variable that is missing or malformed */
export function readSettings(environment: Readonly<Record<string, string | undefined>>): WorkerSettings {
  const parsed = environmentSchema.safeParse(environment);
  if (!parsed.success) {
    const errors = parsed.error.issues.map((issue) => ({
      code: 'invalid_request' as const,
      field: issue.path.join('.'),
      message: `${issue.path.join('.')}: ${issue.message}`,
    }));
    const list = errors.map(({ message }) => message).join('; ');
    throw new ErrataError('invalid_request', `settings: ${list}`, { errors });
  }
  const given = parsed.data;
  return {
    databaseUrl: given.DATABASE_URL,
    queueUrl: given.QUEUE_URL ?? given.DATABASE_URL,
    blobs: blobPlace(given),
    engine: {
      ...(given.ERRATA_PROVIDER === undefined ? {} : { provider: given.ERRATA_PROVIDER }),
      ...(given.ERRATA_THREADS === undefined ? {} : { threads: given.ERRATA_THREADS }),
      ...(given.ENGINE_MEMORY_MB === undefined ? {} : { memoryMb: given.ENGINE_MEMORY_MB }),
      hub: given.HUB_IMPORTS === 'on',
    },
    engineSilenceMs: given.ENGINE_SILENCE_MS,
    leaseMs: given.LEASE_MS,
    logLevel: given.LOG_LEVEL,
    name: given.WORKER_NAME ?? `${hostname()}:${process.pid}:${Date.now().toString(36)}`,
    labels: given.WORKER_LABELS,
    concurrency: given.WORKER_CONCURRENCY,
    retryMs: given.RETRY_MS,
    reconcileMs: given.RECONCILE_MS,
    stopGraceMs: given.STOP_GRACE_MS,
    webhookAddresses: given.WEBHOOK_ADDRESSES ?? allowAddresses([]),
    metrics: given.METRICS_PORT === undefined ? null : { host: given.METRICS_HOST, port: given.METRICS_PORT },
  };
}
