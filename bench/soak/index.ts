// npm run soak -- --hours H: a stack at work for long, beside a table of what its memory and its storage come to, and how fast each grows.
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createErrata } from '@errata/sdk';
import { type Column, columns, type Look, openLook } from './samples.ts';
import { slopeOf, verdictOf } from './slopes.ts';
import { startSoaked } from './stack.ts';
import { type Done, openWorkload } from './workload.ts';

const usage = `usage: npm run soak -- [options]
  --hours HOURS    how long it works, default 24
  --every SECONDS  between two samples, default 10
  --csv FILE       where the samples go, default soak.csv
`;

/** The first part of a run is its caches' filling, and is left out of the slopes. */
const warmUp = 0.25;
const mebi = 1024 ** 2;
/** What is kept for good, and so grows with the work that is done. */
const kept: readonly Column[] = ['database', 'blobs'];

interface Row extends Look {
  readonly hours: number;
  readonly jobs: number;
  readonly edits: number;
}

async function main(args: readonly string[]): Promise<number> {
  const given = readArguments(args);
  if (given === undefined) {
    console.error(usage);
    return 2;
  }
  const dataDir = await mkdtemp(join(tmpdir(), 'errata-soak-'));
  await chmod(dataDir, 0o711); // PostgreSQL may have to run as another user
  const stack = await startSoaked(dataDir);
  try {
    const workload = await openWorkload(createErrata({ baseUrl: stack.url, apiKey: stack.apiKey }));
    const looking = await openLook(stack);
    try {
      const rows = await soak(workload, looking.look, given);
      await writeFile(given.csv, toCsv(rows));
      return report(rows, workload.done);
    } finally {
      await looking.close();
    }
  } finally {
    await stack.stop();
    await rm(dataDir, { recursive: true, force: true });
  }
}

function readArguments(args: readonly string[]) {
  const options = {
    hours: { type: 'string', default: '24' },
    every: { type: 'string', default: '10' },
    csv: { type: 'string', default: 'soak.csv' },
  } as const;
  try {
    const { hours, every, csv } = parseArgs({ args: [...args], options }).values;
    const given = { hours: Number(hours), everyMs: Number(every) * 1000, csv };
    return given.hours > 0 && given.everyMs > 0 ? given : undefined;
  } catch {
    return undefined;
  }
}

async function soak(
  { done, round }: Awaited<ReturnType<typeof openWorkload>>,
  look: () => Promise<Look>,
  { hours, everyMs }: { readonly hours: number; readonly everyMs: number },
): Promise<readonly Row[]> {
  const rows: Row[] = [];
  const began = performance.now();
  const elapsed = () => (performance.now() - began) / 3_600_000;
  const over = new AbortController();
  // Whoever breaks it off is told what was found so far.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => over.abort());
  const watch = async () => {
    while (!over.signal.aborted) {
      rows.push({ hours: elapsed(), jobs: done.jobs, edits: done.edits, ...(await look()) });
      await sleep(everyMs, undefined, { signal: over.signal }).catch(() => {});
    }
  };
  const work = async () => {
    try {
      for (let number = 0; elapsed() < hours && !over.signal.aborted; number += 1) await round(number);
    } finally {
      over.abort();
    }
  };
  await Promise.all([watch(), work()]);
  return rows;
}

function toCsv(rows: readonly Row[]): string {
  const names = ['hours', 'jobs', 'edits', ...columns] as const;
  return [names, ...rows.map((row) => names.map((name) => row[name]))].map((row) => `${row.join(',')}\n`).join('');
}

/** Prints what was found; 1 where memory grows, or a job ended otherwise than it should. */
function report(rows: readonly Row[], { jobs, edits, reads, unexpected }: Done): number {
  const hours = rows.at(-1)?.hours ?? 0;
  const settled = rows.filter((row) => row.hours >= warmUp * hours);
  console.log(`${hours.toFixed(2)} hours: ${jobs} jobs, ${edits} edits, ${reads} reads, ${rows.length} samples`);
  for (const [what, times] of unexpected) console.log(`${times} x ${what}`);
  console.log(`\nMiB, from ${(warmUp * hours).toFixed(2)} hours on:\n`);
  let grows = unexpected.size > 0;
  const workDone = (settled.at(-1)?.jobs ?? 0) - (settled[0]?.jobs ?? 0);
  for (const column of columns) {
    const slope = slopeOf(
      settled.flatMap((row) => (row[column] === null ? [] : [{ hours: row.hours, value: row[column] }])),
    );
    if (slope === null) continue;
    const mib = (bytes: number) => (bytes / mebi).toFixed(2);
    const line = `${column.padEnd(9)} ${mib(slope.mean).padStart(9)}  ${mib(slope.perHour)} an hour (± ${mib(2 * slope.standardError)})`;
    if (kept.includes(column)) {
      const span = (settled.at(-1)?.hours ?? 0) - (settled[0]?.hours ?? 0);
      console.log(`${line}: ${((slope.perHour * span) / workDone / 1024).toFixed(2)} KiB a job`);
    } else {
      const verdict = verdictOf(slope);
      grows ||= verdict === 'grows';
      const most = mib(24 * (slope.perHour + 2 * slope.standardError));
      console.log(`${line}: ${verdict}, at most ${most} more after a day`);
    }
  }
  return grows ? 1 : 0;
}

process.exitCode = await main(process.argv.slice(2));
