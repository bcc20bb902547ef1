// errata doctor: what a support ticket needs, in one piece: machine, device, settings, database, blobs and API, without secrets and without texts.
import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { cpus, freemem, totalmem } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build, ErrataError, toPlainError } from '@errata/contracts';
import type { Command } from 'commander';
import colors from 'picocolors';
import { given } from '../arguments/environment.ts';
import { exitCodes } from '../output/exit-codes.ts';
import { printJson } from '../output/output.ts';
import { savedConnection, storesOfService } from '../service/connection.ts';

/** What one part says of itself, or why it cannot. */
type Finding = { readonly ok: true; readonly found: unknown } | { readonly ok: false; readonly why: string };

/** Variables whose values are nobody's secret. Of others of ours it is told that they are set. */
const plainVariables = [
  'BLOBS_CACHE_MB',
  'BODY_LIMIT',
  'COMPLETION_QUEUE',
  'ENGINE_MEMORY_MB',
  'ENGINE_SILENCE_MS',
  'ERRATA_PROFILES',
  'ERRATA_PROVIDER',
  'ERRATA_THREADS',
  'HUB_IMPORTS',
  'JOBS_PER_KEY',
  'LEASE_MS',
  'LOG_LEVEL',
  'METRICS_PORT',
  'PORT',
  'RATE_LIMIT',
  'RECONCILE_MS',
  'RETRY_MS',
  'SERVING_ENGINES',
  'STOP_GRACE_MS',
  'STREAMS_PER_KEY',
  'WORKER_CONCURRENCY',
];
const namedOnly = /^(ERRATA_|DATABASE_URL$|QUEUE_URL$|BLOBS_|AWS_|HF_|WORKER_NAME$|METRICS_HOST$|HOST$)/;

const answerWithinMs = 10_000;

export function register(program: Command): void {
  program
    .command('doctor')
    .description(
      'say how the service is, for a support ticket: no secrets, no texts; exit code 1 when a part cannot be reached',
    )
    .option('--json', 'print JSON')
    .action(async (options: { json?: true }) => {
      const parts: Record<string, Finding> = {
        machine: await finding(async () => machine()),
        device: await finding(device),
        settings: await finding(async () => settings()),
        database: await finding(database),
        blobs: await finding(blobs),
        api: await finding(api),
      };
      if (Object.values(parts).some(({ ok }) => !ok)) process.exitCode = exitCodes.failure;
      if (options.json) return printJson({ made_at: new Date().toISOString(), ...parts });
      for (const [name, part] of Object.entries(parts)) {
        console.log(`${part.ok ? colors.green('ok') : colors.red('--')} ${colors.bold(name)}`);
        console.log(part.ok ? indented(part.found) : `   ${part.why}`);
      }
    });
}

const indented = (found: unknown) => JSON.stringify(found, null, 1).replaceAll(/^/gm, '   ');

async function finding(look: () => Promise<unknown>): Promise<Finding> {
  try {
    return { ok: true, found: await look() };
  } catch (error) {
    return { ok: false, why: toPlainError(error).message };
  }
}

const machine = () => ({
  build,
  node: process.version,
  platform: `${process.platform} ${process.arch}`,
  processors: cpus().length,
  memory_bytes: totalmem(),
  free_bytes: freemem(),
});

/** What programs can be executed by here, and the cards and drivers that are there. */
async function device() {
  const { findProviders, runtimeSettings } = await import('@errata/graph');
  const cards = await run('nvidia-smi', ['--query-gpu=name,driver_version,memory.total', '--format=csv,noheader']).then(
    ({ stdout }) => stdout.trim().split('\n'),
    () => [],
  );
  return {
    ...runtimeSettings(),
    providers: await findProviders(),
    nvidia_cards: cards,
    vulkan_drivers: process.env.VK_DRIVER_FILES?.split(':') ?? namesIn('/usr/share/vulkan/icd.d'),
  };
}

const run = promisify(execFile);
const namesIn = (folder: string) => (existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : []);

function settings() {
  const set = Object.keys(process.env).filter((name) => process.env[name] !== '');
  return {
    values: Object.fromEntries(plainVariables.flatMap((name) => (given(name) ? [[name, given(name)]] : []))),
    set: set.filter((name) => namedOnly.test(name) && !plainVariables.includes(name)).sort(),
  };
}

async function database() {
  const { databaseUrl } = storesOfService();
  const { lastBackup, openLineage, readVitals } = await import('@errata/lineage');
  const lineage = await openLineage(databaseUrl);
  try {
    const [vitals, backup] = await Promise.all([readVitals(lineage), lastBackup(lineage)]);
    return { ...vitals, last_backup: backup?.made_at ?? null };
  } finally {
    await lineage.close();
  }
}

async function blobs() {
  const place = storesOfService().blobs;
  const { openBlobs } = await import('@errata/blobs');
  const found = { kind: place.blobsUrl === undefined ? 'directory' : 'bucket', blobs: 0, bytes: 0 };
  for await (const { size } of (await openBlobs(place)).list()) {
    found.blobs += 1;
    found.bytes += size;
  }
  return found;
}

async function api() {
  const url = given('ERRATA_URL') ?? savedConnection()?.url;
  if (url === undefined) throw new ErrataError('unavailable', 'set ERRATA_URL to the address of the API');
  const answer = await fetch(new URL('/readyz', url), { signal: AbortSignal.timeout(answerWithinMs) }).catch(
    () => null,
  );
  if (answer === null) throw new ErrataError('unavailable', 'the API does not answer');
  const { status, detail, workers } = (await answer.json()) as { status: unknown; detail?: string; workers?: number };
  if (!answer.ok) throw new ErrataError('unavailable', detail ?? `the API answers ${String(status)}`);
  return { status, workers };
}
