// The collection deletes what nothing names, in two steps and with a grace period, and nothing that anything names or may yet name.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { openDiskStore } from '@errata/blobs';
import { describeCase, editSchema, noCost, toPlainError } from '@errata/contracts';
import { failpoints } from '@errata/failpoints';
import {
  branchLane,
  cancelJob,
  commitEvaluation,
  commitShard,
  createBranch,
  deleteBranch,
  deltasBefore,
  evaluationLane,
  finishJob,
  lanesOfShards,
  moveJob,
  namedBlobs,
  readCases,
  recordResults,
  recordSnapshot,
  retryJob,
  type StoredCase,
  submitEditJob,
  submitEvaluation,
  type TakenJob,
  takeNextJob,
} from '@errata/lineage';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { hold } from '../../../test/support/history.ts';
import { checkEverything, collectGarbage } from './index.ts';
import { openUpkeep } from './upkeep.fixture.ts';

const run = promisify(execFile);
const fixture = await openUpkeep();
const { db, store, branch, query } = fixture;
afterAll(() => fixture.close());

const hour = 3_600_000;
const collect = (graceMs = hour, dryRun = false) => collectGarbage(db, store, { dryRun, graceMs });
/** Lets hours pass for every mark and every job. */
async function later(hours: number): Promise<void> {
  await query(`UPDATE garbage SET marked_at = marked_at - make_interval(secs => $1)`, [hours * 3600]);
  await query(`UPDATE jobs SET started_at = started_at - make_interval(secs => $1)`, [hours * 3600]);
}
const has = (blob: string) => store.has(blob);
const isWhole = async () => expect(await checkEverything(db, store, { content: true })).toMatchObject({ ok: true });

test('what nothing names is marked, waits, and is deleted; a dry run says so and does nothing', async () => {
  const edit = await fixture.edit();
  const { sha256: stray, size } = await fixture.put();
  const one = { blobs: 1, bytes: size };
  const none = { blobs: 0, bytes: 0 };
  expect(await collect(hour, true)).toMatchObject({ dry_run: true, marked: one, waiting: none, deleted: none });
  expect(await query('SELECT 1 FROM garbage')).toEqual([]);
  expect(await collect()).toMatchObject({ marked: one, waiting: none, deleted: none, named: { blobs: 2 } });
  expect(await collect()).toMatchObject({ marked: none, waiting: one, deleted: none });
  await later(2);
  expect(await collect(hour, true)).toMatchObject({ deleted: one, blobs: [stray] });
  expect(await has(stray)).toBe(true);
  expect(await collect()).toMatchObject({ deleted: one, blobs: [stray] });
  expect([await has(stray), await has(edit.blob)]).toEqual([false, true]);
  expect(await query('SELECT 1 FROM garbage')).toEqual([]);
  expect(await collect()).toMatchObject({ marked: none, waiting: none, deleted: none });
  await isWhole();
});

test('what is put again, or named, after it was marked stays', async () => {
  const [again, named] = [await fixture.put('put again'), await fixture.put('named later')];
  await collect();
  await later(3);
  await fixture.put('put again');
  const { tipId } = await db.prisma.branch.findUniqueOrThrow({ where: { id: branch.branch } });
  const { versionId } = await db.prisma.contribution.findUniqueOrThrow({ where: { id: tipId! } });
  await recordSnapshot(db, {
    model_id: branch.model,
    tip: tipId!,
    version: versionId,
    blob: named.sha256,
    bytes: named.size,
    replay_ms: 1,
    load_ms: 1,
  });
  expect(await collect()).toMatchObject({ marked: { blobs: 1 }, deleted: { blobs: 0 } });
  expect([await has(again.sha256), await has(named.sha256)]).toEqual([true, true]);
  await later(3);
  expect(await collect()).toMatchObject({ deleted: { blobs: 1 }, blobs: [again.sha256] });
  await isWhole();
});

test('what was stored since the oldest job under way was begun may yet be named by it', async () => {
  const side = await createBranch(db, branch.model, { name: 'working', from: 'main' });
  const { id } = await submitEditJob(db, {
    model: branch.model,
    branch: 'working',
    edits: [editSchema.parse({ custom_id: 'x', prompt: 'The x', subject: 'x', target_new: ' y' })],
    config: {},
    seed: 0,
    on_error: 'abort',
    on_conflict: 'fail',
    created_by: null,
  });
  const lease = await hold(db, branchLane(side.id));
  await takeNextJob(db, lease);
  const { sha256: blob } = await fixture.put('of an attempt that takes days');
  await collect();
  await later(72);
  expect(await collect()).toMatchObject({ waiting: { blobs: 1 }, deleted: { blobs: 0 } });
  expect(await has(blob)).toBe(true);
  await finishJob(db, lease, { jobId: id, from: 'running', to: 'cancelled' });
  expect(await collect()).toMatchObject({ deleted: { blobs: 1 }, blobs: [blob] });
});

test('deltas that a stream of edits goes on from stay until it has ended well, also while it is cancelled', async () => {
  const { id } = await submitEvaluation(db, {
    model: branch.model,
    against: 'parent',
    suite: {
      source: 'probes',
      cases: ['a', 'b'].map((custom_id) => ({ kind: 'probe', probe: { custom_id, prompt: `${custom_id} is` } })),
    },
    created_by: null,
  });
  const [lane = ''] = await lanesOfShards(db, id);
  const lease = await hold(db, lane);
  const begin = async () => {
    const job = (await takeNextJob(db, lease))!;
    await moveJob(db, lease, job.id, 'running', 'evaluating');
    return job;
  };
  const keep = async (job: TakenJob, position: number) => {
    const { sha256: blob } = await fixture.put(`delta ${position} of a stream`);
    const [{ result: _, ...placed }] = (await readCases(db, id, { from: position, to: position + 1 })) as [StoredCase];
    const found = { outcome: 'measured' as const, error: null, answer_before: '', answer_after: '' };
    const results = [{ ...describeCase(placed), ...found, changed: false, measures: [], regressions: [] }];
    await recordResults(db, lease, { job, results, cost: noCost, deltas: [{ kind: 'low_rank', blob }] });
    return blob;
  };
  const age = async () => {
    for (let turn = 0; turn < 2; turn++) {
      await collect();
      await later(3);
    }
    await collect();
  };

  const first = await begin();
  const blob = await keep(first, 0);
  await cancelJob(db, id);
  await finishJob(db, lease, { jobId: first.id, from: 'evaluating', to: 'cancelled' });
  await age();
  expect(await has(blob)).toBe(true);

  await retryJob(db, id);
  const again = await begin();
  expect(await deltasBefore(db, id, 1)).toEqual([{ kind: 'low_rank', blob }]);
  const blobs = [blob, await keep(again, 1)];
  await moveJob(db, lease, again.id, 'evaluating', 'committing');
  await commitShard(db, lease, again.id);
  await age();
  expect(await Promise.all(blobs.map(has))).toEqual([true, true]);
  await isWhole();

  const own = await hold(db, evaluationLane(id));
  await takeNextJob(db, own);
  await moveJob(db, own, id, 'running', 'committing');
  await finishJob(db, own, { jobId: id, from: 'committing', to: 'failed', error: toPlainError(new Error('a test')) });
  await age();
  expect(await Promise.all(blobs.map(has))).toEqual([true, true]);
  await retryJob(db, id);
  await takeNextJob(db, own);
  await moveJob(db, own, id, 'running', 'committing');
  const score = { before: { token: 0, all: 0, exact: 0, count: 0 }, after: { token: 0, all: 0, exact: 0, count: 0 } };
  await commitEvaluation(db, own, {
    jobId: id,
    outcome: 'succeeded',
    summary: {
      ...{
        edits: 0,
        applied: 0,
        already_holds: 0,
        measured: 0,
        reliability: score,
        generalization: null,
        locality: null,
      },
      ...{ locality_by_kind: {}, portability_by_kind: {}, delta_norm: null, perplexity: null },
      seconds: { edit: 0, evaluate: 1 },
    },
    result: {
      ...{ digest: 'd', measured: 2, failed: 0, changed: 0, metrics: {}, run_metrics: {}, places: [] },
      ...{ cost: noCost, gate_values: {} },
    },
    report: '',
    unasked: [],
  });
  await age();
  expect(await Promise.all(blobs.map(has))).toEqual([false, false]);
  await isWhole();
});

test('snapshots that nothing is opened from are let go, and their blobs after them', async () => {
  const side = await fixture.editOnSide('side');
  const { tipId } = await db.prisma.branch.findUniqueOrThrow({ where: { id: side.branch } });
  const { sha256: blob, size: bytes } = await fixture.put('snapshot of the side');
  const noted = { model_id: branch.model, tip: tipId!, version: side.version, blob, bytes };
  await recordSnapshot(db, { ...noted, replay_ms: 1, load_ms: 1 });
  expect(await collect()).toMatchObject({ snapshots_dropped: 0 });
  await deleteBranch(db, branch.model, 'side');
  expect(await collect(hour, true)).toMatchObject({ snapshots_dropped: 1 });
  expect(await collect()).toMatchObject({ snapshots_dropped: 1, marked: { blobs: 1 } });
  await later(2);
  expect(await collect()).toMatchObject({ deleted: { blobs: 1 }, blobs: [blob] });
  // A deleted branch can be restored: what its history names stays.
  expect(await has(side.blob)).toBe(true);
  await isWhole();
});

test('whatever is stored, named, marked, put again and aged, in any order, nothing that is named is ever gone', async () => {
  const steps = fc.array(
    fc.oneof(
      fc.constant({ do: 'stray' as const }),
      fc.constant({ do: 'edit' as const }),
      fc.record({ do: fc.constant('again' as const), which: fc.nat() }),
      fc.record({ do: fc.constant('later' as const), hours: fc.integer({ min: 0, max: 3 }) }),
      fc.record({ do: fc.constant('collect' as const), grace: fc.integer({ min: 0, max: 2 }) }),
    ),
    { minLength: 4, maxLength: 14 },
  );
  const texts: string[] = [];
  await fc.assert(
    fc.asyncProperty(steps, async (sequence) => {
      for (const step of sequence) {
        if (step.do === 'edit') await fixture.edit();
        else if (step.do === 'stray') {
          texts.push(`stray ${texts.length}`);
          await fixture.put(texts.at(-1)!);
        } else if (step.do === 'again') {
          const text = texts[step.which % Math.max(1, texts.length)];
          if (text === undefined) continue;
          const { sha256: blob } = await fixture.put(text);
          // Who has just put it may name it, whatever was marked before.
          await collect(0);
          expect(await has(blob)).toBe(true);
        } else if (step.do === 'later') await later(step.hours);
        else await collect(step.grace * hour);
      }
      for await (const { blob, by } of namedBlobs(db)) expect(await has(blob), by).toBe(true);
    }),
    { numRuns: 12 },
  );
});

const collector = fileURLToPath(new URL('./collector.fixture.ts', import.meta.url));
const places = failpoints.filter((name) => name.startsWith('gc.') || name === 'delete.set_aside');

test.each(places)(
  'killed at %s, a collection has taken nothing that is named, and the next one ends its work',
  async (place) => {
    const edit = await fixture.edit();
    const strays = [await fixture.put(`first stray, ${place}`), await fixture.put(`second stray, ${place}`)];
    const env = { ...process.env, ERRATA_FAILPOINT: `${place}:kill` };
    const args = ['--import', 'tsx', collector, fixture.url, fixture.directory];
    if (!place.includes('mark')) {
      await collect(0);
      await later(1);
    }
    await expect(run(process.execPath, args, { env })).rejects.toMatchObject({ signal: 'SIGKILL' });
    await isWhole();
    // As a worker that starts anew: it opens the store.
    const reopened = await openDiskStore(fixture.directory);
    for (let turn = 0; turn < 3; turn++) await collectGarbage(db, reopened, { dryRun: false, graceMs: 0 });
    for (const { sha256: blob } of strays) expect(await has(blob)).toBe(false);
    expect(await has(edit.blob)).toBe(true);
    await isWhole();
  },
);
