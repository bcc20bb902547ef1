// Evaluations on real workers: any version, beside the branch, the same results whoever does the work and however often it dies.
import { type CaseResult, editSchema, type SuiteCase } from '@errata/contracts';
import {
  cancelJob,
  createBranch,
  type EvaluationSubmission,
  getBranch,
  getEvaluation,
  getJob,
  laneOfJob,
  lanesOfShards,
  listEvents,
  listJobs,
  listResults,
  retryJob,
  submitEvaluation,
} from '@errata/lineage';
import { afterAll, expect, test } from 'vitest';
import { edit, shortLeaseMs, startFaultStack } from '../../../../test/support/fault-stack.ts';

const stack = await startFaultStack({ leaseMs: shortLeaseMs });
const { lineage, dispatch, modelId } = stack;
afterAll(() => stack.close());

const towns = (count: number): SuiteCase[] =>
  Array.from({ length: count }, (_, index) => ({
    kind: 'probe',
    probe: { custom_id: `town-${index}`, prompt: `The river of town ${index} runs to the`, target: ' sea' },
  }));

async function evaluate(request: Partial<EvaluationSubmission>): Promise<string> {
  const { id } = await submitEvaluation(lineage, {
    model: modelId,
    against: 'base',
    suite: { source: 'probes', cases: towns(130) },
    created_by: null,
    ...request,
  });
  for (const lane of await lanesOfShards(lineage, id)) await dispatch.wake(lane);
  return id;
}

async function resultsOf(id: string): Promise<CaseResult[]> {
  const results: CaseResult[] = [];
  for (let after: string | undefined; ; ) {
    const page = await listResults(lineage, id, {}, { limit: 100, after });
    results.push(...page.data);
    if (page.next_cursor === null) return results;
    after = page.next_cursor;
  }
}

test('the results are the same for 1 shard and for 4', async () => {
  await createBranch(lineage, modelId, { name: 'edited', from: 'main' });
  const edited = await stack.submit([edit('Sylvania')], { branch: 'edited' });
  expect(await stack.rescue(edited)).toMatchObject({ state: 'succeeded' });

  const alone = await evaluate({ branch: 'edited', shards: 1 });
  const divided = await evaluate({ branch: 'edited', shards: 4 });
  expect(await stack.rescue(alone)).toMatchObject({ state: 'succeeded', error: null });
  expect(await stack.rescue(divided)).toMatchObject({ state: 'succeeded', error: null });

  const evaluations = await Promise.all([alone, divided].map((id) => getEvaluation(lineage, id)));
  const [first] = evaluations;
  expect(first).toMatchObject({ cases: { total: 130, measured: 130, failed: 0 }, shards: { total: 1, ended: 1 } });
  expect(evaluations[1]?.shards).toEqual({ total: 4, running: 0, ended: 4 });
  expect(first?.outcome?.digest).toMatch(/^[0-9a-f]{64}$/);
  for (const { outcome, summary } of evaluations) {
    // Only what it cost differs.
    expect({ ...outcome, cost: null }).toEqual({ ...first?.outcome, cost: null });
    expect(outcome?.cost.answers).toBe(first?.outcome?.cost.answers);
    expect({ ...summary, seconds: null }).toEqual({ ...first?.summary, seconds: null });
  }
  expect(await resultsOf(divided)).toEqual(await resultsOf(alone));
});

test('the imported model against itself: nothing changes, everything agrees', async () => {
  const { head } = await getBranch(lineage, modelId, 'main');
  const cases = [
    ...towns(3),
    {
      kind: 'edit',
      edit: editSchema.parse({ ...edit('Latveria'), locality: { neighbourhood: [{ prompt: 'The sea' }] } }),
    },
  ] as const;
  const id = await evaluate({ version: head, against: 'parent', suite: { source: 'edits', cases } });
  expect(await stack.rescue(id)).toMatchObject({ state: 'succeeded', version_id: head, parent_version_id: head });
  const { summary, outcome } = await getEvaluation(lineage, id);
  expect(outcome).toMatchObject({ measured: 4, failed: 0, changed: 0 });
  expect(outcome?.metrics['locality.exact']).toEqual({
    ...{ version: 1, cases: 4, probes: 4, value: 1, interval: { low: 1, high: 1 }, pooled: 1 },
    ...{ before: null, delta: null },
  });
  const { value, interval, before, delta } = outcome!.metrics['accuracy.token']!;
  expect(before).toEqual({ value, interval });
  expect(delta).toEqual({ value: 0, interval: { low: 0, high: 0 } });
  expect(summary?.locality).toEqual({ token: 1, all: 1, exact: 1, count: 1 });
  expect(summary?.reliability.after).toEqual(summary?.reliability.before);
  expect(summary?.delta_norm).toBeNull();
  expect(summary?.perplexity?.candidate).toBe(summary?.perplexity?.parent);
});

test('the edits of a version are its own suite; its branch does not wait and does not move', async () => {
  const before = await getBranch(lineage, modelId, 'edited');
  const id = await evaluate({ branch: 'edited', against: 'parent', suite: { source: 'applied' } });
  const between = await evaluate({ version: before.head, against: 'base', suite: { source: 'difference' } });
  const next = await stack.submit([edit('Ruritania')], { branch: 'edited' });
  for (const job of [next, id, between]) expect(await stack.rescue(job)).toMatchObject({ state: 'succeeded' });
  for (const evaluation of [id, between]) {
    const [row, ...more] = await resultsOf(evaluation);
    expect(more).toEqual([]);
    expect(row).toMatchObject({ custom_id: 'Sylvania', kind: 'edit', edit_id: expect.stringMatching(/^edit_/) });
  }
  const evaluation = await getEvaluation(lineage, id);
  expect(evaluation).toMatchObject({ branch: 'edited', version_id: before.head, suite: { source: 'applied' } });
  expect(evaluation.summary).toMatchObject({ edits: 1, applied: 1 });
  expect(evaluation.summary?.delta_norm).toBeGreaterThan(0);
  expect(evaluation.outcome?.gate_values).toMatchObject({ reliability: evaluation.summary?.reliability.after.token });
  await expect(evaluate({ branch: 'main', suite: { source: 'applied' } })).rejects.toMatchObject({
    code: 'invalid_request',
  });
});

test('a case that cannot be asked is reported, and the others are measured', async () => {
  const cases = towns(3);
  cases.splice(1, 0, { kind: 'probe', probe: { custom_id: 'endless', prompt: 'town '.repeat(40) } });
  const id = await evaluate({ suite: { source: 'probes', cases } });
  expect(await stack.rescue(id)).toMatchObject({ state: 'completed_with_errors', error: null });
  expect((await resultsOf(id)).map(({ custom_id, outcome, error }) => [custom_id, outcome, error?.code])).toEqual([
    ['town-0', 'measured', undefined],
    ['endless', 'failed', 'prompt_too_long'],
    ['town-1', 'measured', undefined],
    ['town-2', 'measured', undefined],
  ]);
  expect((await getEvaluation(lineage, id)).outcome).toMatchObject({ measured: 3, failed: 1 });
  const failed = await listResults(lineage, id, { outcome: 'failed' });
  expect(failed.data.map(({ position }) => position)).toEqual([1]);

  const none = await evaluate({ suite: { source: 'probes', cases: cases.slice(1, 2) } });
  expect(await stack.rescue(none)).toMatchObject({ state: 'failed', error: { code: 'prompt_too_long' } });
});

test('a shard whose worker dies is taken over, and asks only what it had not', async () => {
  const whole = await evaluate({ shards: 2 });
  await stack.rescue(whole);
  // It dies when it has kept the last block of its shard and is about to say so.
  const doomed = stack.startWorker({ WORKER_NAME: 'doomed', ERRATA_FAILPOINT: 'commit.before' });
  await doomed.ready;
  const id = await evaluate({ shards: 2 });
  expect(await doomed.exited).toBe('SIGKILL');
  expect(await stack.rescue(id)).toMatchObject({ state: 'succeeded', error: null });
  const shards = await listJobs(lineage, { parent_job_id: id });
  expect(shards.data.map(({ state, attempts }) => [state, attempts]).sort()).toEqual([
    ['succeeded', 1],
    ['succeeded', 2],
  ]);
  const again = shards.data.find(({ attempts }) => attempts === 2)!;
  const { data: events } = await listEvents(lineage, again.id, { limit: 100 });
  expect(events.some(({ data }) => data.recovered_from === 'committing')).toBe(true);
  const lastStart = events.map(({ type }) => type).lastIndexOf('running');
  expect(events.slice(lastStart).some(({ type }) => type === 'progress')).toBe(false);
  const outcomeOf = async (evaluation: string) => ({
    ...(await getEvaluation(lineage, evaluation)).outcome,
    cost: null,
  });
  expect(await outcomeOf(id)).toEqual(await outcomeOf(whole));
});

test('cancelling an evaluation cancels its shards; a retry does what is left', async () => {
  const id = await evaluate({ shards: 4 });
  const shards = async () => (await listJobs(lineage, { parent_job_id: id })).data;
  const [one] = await shards();
  await expect(cancelJob(lineage, one!.id)).rejects.toMatchObject({ code: 'not_cancellable' });
  await expect(retryJob(lineage, one!.id)).rejects.toMatchObject({ code: 'not_retryable' });
  expect(await cancelJob(lineage, id)).toMatchObject({ state: 'cancelled' });
  expect((await shards()).map(({ state }) => state)).toEqual(Array.from({ length: 4 }, () => 'cancelled'));
  expect(await retryJob(lineage, id)).toMatchObject({ state: 'waiting' });
  for (const lane of await lanesOfShards(lineage, id)) await dispatch.wake(lane);
  expect(await stack.rescue(id)).toMatchObject({ state: 'succeeded', error: null });
});

test('its events tell how far the whole has come, and are those of any job', async () => {
  const id = await evaluate({ shards: 3 });
  expect((await getJob(lineage, id)).state).toBe('waiting');
  await stack.rescue(id);
  const { data } = await listEvents(lineage, id, { limit: 100 });
  const phases = data.filter(({ type }) => type === 'progress').filter((event) => event.data.phase === 'evaluate');
  expect(phases.map((event) => event.data.done)).toEqual([32, 64, 96, 128, 130]);
  expect(data.map(({ type }) => type).filter((type) => type !== 'progress')).toEqual([
    'waiting',
    'queued',
    'running',
    'evaluating',
    'committing',
    'succeeded',
  ]);
  expect(await listJobs(lineage, { kind: 'evaluation_shard' })).toMatchObject({ data: [] });
  expect(await laneOfJob(lineage, id)).toBe(`evaluation:${id}`);
});
