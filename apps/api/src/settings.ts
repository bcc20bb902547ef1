// What the API process is told by its environment.
import { type BlobPlace, blobPlace, blobVariables } from '@errata/blobs';
import { ErrataError, roles } from '@errata/contracts';
import { type AllowedAddresses, addressRangesSchema, allowAddresses } from '@errata/webhooks';
import { z } from 'zod';
import type { ProviderSettings, RoleRule } from './admission/provider.ts';

const megabytes = 1024 * 1024;
const blank = (value: unknown) => (value === '' ? undefined : value);
const optional = <T extends z.ZodType>(schema: T) => z.preprocess(blank, schema.optional());
const count = (fallback: number, least = 1) =>
  z.preprocess(blank, z.coerce.number().int().min(least).default(fallback));

/** Names with commas between, none of them empty. */
const names = (text: string | undefined): readonly string[] =>
  (text ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');

/** Who has which role where. */
function readRoles(text: string, context: z.RefinementCtx): readonly RoleRule[] {
  return names(text).map((rule) => {
    const [, value = '', given = '', project] = /^(.+)=([a-z]+)(?:@(.+))?$/.exec(rule) ?? [];
    const role = roles.find((each) => each === given);
    if (role !== undefined) return { value, role, project: project ?? null };
    const message = `${JSON.stringify(rule)} is not VALUE=ROLE or VALUE=ROLE@PROJECT, where the role is ${roles.join(', ')}`;
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  });
}

const environmentSchema = z.object({
  DATABASE_URL: z.string().regex(/^postgres(ql)?:\/\//, 'a postgres:// URL'),
  QUEUE_URL: optional(z.string()),
  ...blobVariables,
  HOST: z.preprocess(blank, z.string().default('127.0.0.1')),
  PORT: z.preprocess(blank, z.coerce.number().int().min(0).max(65535).default(7700)),
  ERRATA_PROVIDER: optional(z.string()),
  ERRATA_THREADS: optional(z.coerce.number().int().min(1)),
  ENGINE_MEMORY_MB: optional(z.coerce.number().int().min(64)),
  LOG_LEVEL: z.preprocess(
    blank,
    z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  ),
  /** Largest request body in bytes, of requests that bring edits or cases. */
  BODY_LIMIT: count(32 * megabytes, 1024),
  /** Requests a minute that one API key may send; 0 for no limit. */
  RATE_LIMIT: count(0, 0),
  /** Completions that may wait for the engine before further ones are turned away. */
  COMPLETION_QUEUE: count(64),
  /** Processes that serve completions. */
  SERVING_ENGINES: z.preprocess(blank, z.coerce.number().int().min(1).max(64).default(1)),
  /** Names of models as completions take them, with commas between: their versions are open before anybody asks. */
  SERVING_WARM: optional(z.string()),
  /** MiB of a serving engine's memory for what versions have of their own. */
  SERVING_VERSIONS_MB: optional(z.coerce.number().int().min(1)),
  /** Jobs of one API key that have not ended; 0 for no limit. */
  JOBS_PER_KEY: count(1000, 0),
  /** Event streams that one API key may have open at one API process; 0 for no limit. */
  STREAMS_PER_KEY: count(100, 0),
  /** Origins of pages that may call from a browser, with commas between; `*` for all. */
  CORS_ORIGINS: optional(z.string()),
  /** Who vouches for people, by OpenID Connect: an https:// address, or an http:// one of this machine. */
  OIDC_ISSUER: optional(
    z.string().regex(/^https:\/\/|^http:\/\/(127\.0\.0\.1|localhost|\[::1\])(:|\/|$)/, 'an https:// address'),
  ),
  /** What this service is called there. */
  OIDC_CLIENT_ID: optional(z.string()),
  /** None for a public client. */
  OIDC_CLIENT_SECRET: optional(z.string()),
  /** What access tokens for this service name as their audience; the client id always does. */
  OIDC_AUDIENCE: optional(z.string()),
  /** The claim that roles are read off. */
  OIDC_CLAIM: z.preprocess(blank, z.string().default('groups')),
  /** VALUE=ROLE or VALUE=ROLE@PROJECT, with commas between; the value * is everybody. */
  OIDC_ROLES: optional(z.string().transform(readRoles)),
  /** Where browsers find this service. */
  PUBLIC_URL: optional(z.url()),
  /** Ranges of addresses, with commas between, that webhooks may have beside public ones. */
  WEBHOOK_ADDRESSES: optional(addressRangesSchema),
  /** Seconds within which the whole of a request must have come. */
  REQUEST_TIMEOUT_SECONDS: count(120),
});

export interface ApiSettings {
  readonly databaseUrl: string;
  readonly queueUrl: string;
  readonly blobs: BlobPlace;
  readonly host: string;
  readonly port: number;
  readonly logLevel: string;
  readonly engine: { readonly provider?: string; readonly threads?: number; readonly memoryMb?: number };
  readonly serving: {
    readonly engines: number;
    readonly warm: readonly string[];
    readonly engine: { readonly versionsMb?: number };
  };
  readonly bodyLimit: number;
  readonly rateLimit: number;
  readonly completionQueue: number;
  readonly jobsPerKey: number;
  readonly streamsPerKey: number;
  readonly requestTimeoutMs: number;
  readonly corsOrigins: readonly string[];
  readonly webhookAddresses: AllowedAddresses;
  /** Undefined where people have keys alone. */
  readonly provider: ProviderSettings | undefined;
}

/** @throws ErrataError `invalid_request` naming each variable that is missing or malformed */
export function readSettings(environment: Readonly<Record<string, string | undefined>>): ApiSettings {
  const parsed = environmentSchema.safeParse(environment);
  if (!parsed.success) {
    const errors = parsed.error.issues.map((issue) => ({
      code: 'invalid_request' as const,
      field: issue.path.join('.'),
      message: `${issue.path.join('.')}: ${issue.message}`,
    }));
    throw new ErrataError('invalid_request', `settings: ${errors.map(({ message }) => message).join('; ')}`, {
      errors,
    });
  }
  const given = parsed.data;
  return {
    databaseUrl: given.DATABASE_URL,
    queueUrl: given.QUEUE_URL ?? given.DATABASE_URL,
    blobs: blobPlace(given),
    host: given.HOST,
    port: given.PORT,
    logLevel: given.LOG_LEVEL,
    engine: {
      ...(given.ERRATA_PROVIDER === undefined ? {} : { provider: given.ERRATA_PROVIDER }),
      ...(given.ERRATA_THREADS === undefined ? {} : { threads: given.ERRATA_THREADS }),
      ...(given.ENGINE_MEMORY_MB === undefined ? {} : { memoryMb: given.ENGINE_MEMORY_MB }),
    },
    serving: {
      engines: given.SERVING_ENGINES,
      warm: names(given.SERVING_WARM),
      engine: given.SERVING_VERSIONS_MB === undefined ? {} : { versionsMb: given.SERVING_VERSIONS_MB },
    },
    bodyLimit: given.BODY_LIMIT,
    rateLimit: given.RATE_LIMIT,
    completionQueue: given.COMPLETION_QUEUE,
    jobsPerKey: given.JOBS_PER_KEY,
    streamsPerKey: given.STREAMS_PER_KEY,
    requestTimeoutMs: given.REQUEST_TIMEOUT_SECONDS * 1000,
    corsOrigins: names(given.CORS_ORIGINS),
    webhookAddresses: given.WEBHOOK_ADDRESSES ?? allowAddresses([]),
    provider: providerOf(given),
  };
}

function providerOf(given: z.output<typeof environmentSchema>): ProviderSettings | undefined {
  const { OIDC_ISSUER: issuer, OIDC_CLIENT_ID: clientId, OIDC_AUDIENCE: audience } = given;
  if (issuer === undefined) return undefined;
  const missing = (['OIDC_CLIENT_ID', 'OIDC_ROLES'] as const).find((name) => given[name] === undefined);
  if (clientId === undefined || given.OIDC_ROLES === undefined)
    throw new ErrataError('invalid_request', `settings: OIDC_ISSUER takes ${missing} beside it`);
  return {
    issuer,
    clientId,
    clientSecret: given.OIDC_CLIENT_SECRET,
    audiences: [clientId, ...(audience === undefined ? [] : [audience])],
    claim: given.OIDC_CLAIM,
    roles: given.OIDC_ROLES,
    publicUrl: given.PUBLIC_URL ?? `http://${given.HOST}:${given.PORT}`,
  };
}
