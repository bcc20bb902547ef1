// Evaluations in the database: shards end at once, fail, and are cancelled while they end; the whole goes on exactly once.
import { type CaseResult, describeCase, noCost, type SuiteCase, suiteDigest } from '@errata/contracts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  acquireLease,
  cancelJob,
  commitEvaluation,
  commitShard,
  createSuite,
  evaluationLane,
  getEvaluation,
  getJob,
  getReport,
  lanesOfShards,
  listEvaluations,
  listEvents,
  listJobs,
  listResults,
  listSuiteCases,
  listSuites,
  moveJob,
  readCases,
  recordResults,
  releaseLease,
  requeueJob,
  retryJob,
  type StoredCase,
  submitEvaluation,
  takeNextJob,
} from '../index.ts';
import { edit, importModel, type LineageFixture, openFixture, take, waitingIds } from '../lineage.fixture.ts';

let fixture: LineageFixture;
let imported: Awaited<ReturnType<typeof importModel>>;
beforeAll(async () => {
  fixture = await openFixture();
  imported = await importModel(fixture.db, 'tiny');
});
afterAll(() => fixture.close());

const probes = (count: number): SuiteCase[] =>
  Array.from({ length: count }, (_, index) => ({
    kind: 'probe',
    probe: { custom_id: `p${index}`, prompt: `Town ${index} is` },
  }));

const submit = (count: number, shards: number) =>
  submitEvaluation(fixture.db, {
    model: imported.model,
    against: 'parent',
    suite: { source: 'probes', cases: probes(count) },
    shards,
    created_by: null,
  });

const answered = ({ result: _, ...placed }: StoredCase): CaseResult => ({
  ...describeCase(placed),
  outcome: 'measured',
  error: null,
  answer_before: 'here',
  answer_after: 'there',
  changed: placed.position % 2 === 0,
  measures: [{ metric: 'locality.token', version: 1, value: 0, before: null, count: 1 }],
  regressions: [],
});

/** Takes a shard and does everything but end it. */
async function work(lane: string) {
  const { lease, taken } = await take(fixture.db, lane);
  await moveJob(fixture.db, lease, taken.id, 'running', 'evaluating');
  const range = taken.input as { from: number; to: number };
  const cases = await readCases(fixture.db, taken.parent_job_id!, range);
  await recordResults(fixture.db, lease, { job: taken, results: cases.map(answered), cost: noCost });
  await moveJob(fixture.db, lease, taken.id, 'evaluating', 'committing');
  return { lease, job: taken };
}

const typesOf = async (id: string) =>
  (await listEvents(fixture.db, id, { limit: 100 })).data.map(({ type }) => type).filter((type) => type !== 'progress');

test('shards that end at the same moment send the evaluation on once', async () => {
  const { id } = await submit(32 * 8, 8);
  expect(await waitingIds(fixture.db)).not.toContain(evaluationLane(id));
  const shards = await Promise.all((await lanesOfShards(fixture.db, id)).map(work));
  expect((await getEvaluation(fixture.db, id)).shards).toEqual({ total: 8, running: 8, ended: 0 });
  await Promise.all(shards.map(({ lease, job }) => commitShard(fixture.db, lease, job.id)));
  expect(await typesOf(id)).toEqual(['waiting', 'queued']);
  expect(await getEvaluation(fixture.db, id)).toMatchObject({
    state: 'queued',
    cases: { total: 256, measured: 256, failed: 0 },
    shards: { total: 8, running: 0, ended: 8 },
  });
  expect(await waitingIds(fixture.db)).toContain(evaluationLane(id));
  const { data: progress } = await listEvents(fixture.db, id, { limit: 100 });
  const done = progress.filter(({ type }) => type === 'progress').map(({ data }) => data.done);
  expect(done).toEqual([32, 64, 96, 128, 160, 192, 224, 256]);
  // A commit whose answer was lost may be made again, and by nobody who has lost the lane.
  const { lease, job } = shards[0]!;
  await commitShard(fixture.db, lease, job.id);
  await expect(commitShard(fixture.db, { ...lease, epoch: 0 }, job.id)).rejects.toMatchObject({ code: 'stale_epoch' });

  const { lease: own, taken } = await take(fixture.db, evaluationLane(id));
  await moveJob(fixture.db, own, taken.id, 'running', 'committing');
  const result = {
    digest: 'd',
    measured: 256,
    failed: 0,
    changed: 128,
    metrics: {},
    run_metrics: {},
    places: [],
    cost: noCost,
    gate_values: {},
  };
  const summary = {
    ...{
      edits: 0,
      applied: 0,
      already_holds: 0,
      measured: 0,
      generalization: null,
      locality: null,
      locality_by_kind: {},
      portability_by_kind: {},
    },
    reliability: {
      before: { token: 0, all: 0, exact: 0, count: 0 },
      after: { token: 0, all: 0, exact: 0, count: 0 },
    },
    ...{ delta_norm: null, perplexity: null, seconds: { edit: 0, evaluate: 1 } },
  };
  const commit = { jobId: id, outcome: 'succeeded', summary, result, report: '<p>done</p>', unasked: [] } as const;
  await commitEvaluation(fixture.db, own, commit);
  await commitEvaluation(fixture.db, own, commit);
  expect(await getEvaluation(fixture.db, id)).toMatchObject({ state: 'succeeded', summary, outcome: result });
  expect(await getReport(fixture.db, id)).toBe('<p>done</p>');
  const changed = await listResults(fixture.db, id, { changed: true }, { limit: 3 });
  expect(changed).toMatchObject({ has_more: true, next_cursor: '4' });
  expect((await listResults(fixture.db, id, { changed: true }, { limit: 1, after: '4' })).data[0]?.position).toBe(6);
});

test('a shard that fails for good lets the others speak', async () => {
  const { id } = await submit(64, 2);
  const [first, second] = await lanesOfShards(fixture.db, id);
  const { lease, job } = await work(first!);
  await commitShard(fixture.db, lease, job.id);
  const error = { code: 'engine_crashed', message: 'it ended', errors: [], details: {} } as const;
  for (let attempt = 1; attempt <= 5; attempt++) {
    expect((await getJob(fixture.db, id)).state).toBe('waiting');
    const { lease: again, taken } = await take(fixture.db, second!);
    await requeueJob(fixture.db, again, { jobId: taken.id, from: 'running', error });
    await releaseLease(fixture.db, again);
  }
  expect((await getJob(fixture.db, id)).state).toBe('queued');
  const { data } = await listJobs(fixture.db, { parent_job_id: id });
  expect(data.map(({ state }) => state).sort()).toEqual(['failed', 'succeeded']);
});

test('cancelling while shards end leaves nothing running and nothing sent on', async () => {
  for (let round = 0; round < 8; round++) {
    const { id } = await submit(32 * 4, 4);
    const lanes = await lanesOfShards(fixture.db, id);
    const ending = await Promise.all(lanes.slice(0, 3).map(work));
    await Promise.all([
      cancelJob(fixture.db, id),
      ...ending.map(({ lease, job }) => commitShard(fixture.db, lease, job.id)),
    ]);
    expect((await getJob(fixture.db, id)).state).toBe('cancelled');
    const { data } = await listJobs(fixture.db, { parent_job_id: id });
    expect(data.map(({ state }) => state).sort()).toEqual(['cancelled', 'succeeded', 'succeeded', 'succeeded']);
    expect(await typesOf(id)).toEqual(['waiting', 'cancelled']);
  }
});

test('a retry waits for what was cancelled, and is refused while a shard is still stopping', async () => {
  const { id } = await submit(64, 2);
  const [first, second] = await lanesOfShards(fixture.db, id);
  const lease = (await acquireLease(fixture.db, first!, 'slow', 60_000))!;
  const running = (await takeNextJob(fixture.db, lease))!;
  await cancelJob(fixture.db, id);
  await expect(retryJob(fixture.db, id)).rejects.toMatchObject({ code: 'not_retryable' });
  const error = { code: 'engine_crashed', message: 'it ended', errors: [], details: {} } as const;
  expect(await requeueJob(fixture.db, lease, { jobId: running.id, from: 'running', error })).toBe('cancelled');
  await releaseLease(fixture.db, lease);
  expect(await retryJob(fixture.db, id)).toMatchObject({ state: 'waiting' });
  for (const lane of [first!, second!]) {
    const { lease: again, job } = await work(lane);
    await commitShard(fixture.db, again, job.id);
  }
  expect((await getJob(fixture.db, id)).state).toBe('queued');
});

test('what is asked about is fixed when it is submitted: the edits of a version, or those between two', async () => {
  const first = await edit(fixture.db, imported, ['France', 'Spain']);
  const second = await edit(fixture.db, imported, ['Italy']);
  const ask = async (fields: object) => {
    const { id } = await submitEvaluation(fixture.db, {
      model: imported.model,
      against: 'parent',
      suite: { source: 'applied' },
      created_by: null,
      ...fields,
    });
    return {
      ...(await getEvaluation(fixture.db, id)),
      ids: (await readCases(fixture.db, id)).map(({ case_id }) => case_id),
    };
  };
  expect(await ask({ branch: 'main' })).toMatchObject({
    branch: 'main',
    version_id: second.version,
    against: { kind: 'parent', version_id: first.version },
    ids: [...first.edits, ...second.edits],
  });
  expect(await ask({ version: first.version.slice(0, 14), against: 'base' })).toMatchObject({
    branch: null,
    version_id: first.version,
    against: { kind: 'base', version_id: imported.root },
    ids: first.edits,
  });
  const difference = await ask({ version: first.version, against: second.version, suite: { source: 'difference' } });
  expect(difference).toMatchObject({ against: { kind: 'version', version_id: second.version }, ids: second.edits });
  await expect(ask({ version: imported.root })).rejects.toMatchObject({ code: 'invalid_request' });
  await expect(
    ask({ version: first.version, against: first.version, suite: { source: 'difference' } }),
  ).rejects.toThrow('hold the same edits');
  await expect(ask({ version: 'ver_ffff' })).rejects.toMatchObject({ code: 'unknown_version' });

  const found = await listEvaluations(fixture.db, { version_id: first.version }, { limit: 1 });
  expect(found).toMatchObject({ data: [{ id: difference.id }], has_more: true });
});

test('a stored suite never changes; storing it again changes nothing; evaluations copy it', async () => {
  const suite = { name: 'towns', cases: probes(40), created_by: null };
  const stored = await createSuite(fixture.db, suite);
  expect(stored).toMatchObject({ object: 'suite', name: 'towns', cases: 40, digest: suiteDigest(suite.cases) });
  expect(await createSuite(fixture.db, suite)).toEqual(stored);
  await expect(createSuite(fixture.db, { ...suite, cases: probes(41) })).rejects.toMatchObject({ code: 'name_taken' });
  await expect(createSuite(fixture.db, { ...suite, name: 'applied' })).rejects.toMatchObject({ code: 'name_taken' });
  await expect(createSuite(fixture.db, { ...suite, name: 'none', cases: [] })).rejects.toThrow('no cases');
  await expect(fixture.query("UPDATE suites SET digest = 'x'")).rejects.toThrow('append-only');
  const page = await listSuiteCases(fixture.db, stored.id, { after: '37' });
  expect(page.data).toMatchObject([
    { position: 38, custom_id: 'p38', given: { prompt: 'Town 38 is' } },
    { position: 39 },
  ]);
  expect((await listSuites(fixture.db)).data).toEqual([stored]);

  const { id } = await submitEvaluation(fixture.db, {
    model: imported.model,
    against: 'parent',
    suite: { source: 'stored', suite: 'towns' },
    created_by: null,
  });
  const { suite: asked, cases } = await getEvaluation(fixture.db, id);
  expect({ asked, cases: cases.total }).toEqual({
    asked: { source: 'stored', name: 'towns', digest: stored.digest },
    cases: 40,
  });
  await expect(getReport(fixture.db, id)).rejects.toMatchObject({ code: 'not_found', details: { state: 'waiting' } });
});
