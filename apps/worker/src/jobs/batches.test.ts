// Bisecting batches on a real worker and a real model: harmful edits hidden at seeded places are found, the others are applied.
import { type EditResult, type GatePolicy, parseEditsJsonl } from '@errata/contracts';
import {
  activeEdits,
  checkBranch,
  createBranch,
  getBranch,
  laneOfJob,
  listEdits,
  listEvents,
  setPolicy,
  submitRollback,
} from '@errata/lineage';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { edit, startFaultStack, until } from '../../../../test/support/fault-stack.ts';

const stack = await startFaultStack();
const { lineage, dispatch, modelId } = stack;
beforeAll(() => stack.spare.signal('SIGCONT'));
afterAll(() => stack.close());

/** A memory that answers its own prompts and leaves every other text alone: an edit harms only what it is about. */
const memory = { editor: 'grace', config: { layer: 1, epsilon: 0.01, steps: 15, learning_rate: 1 } };
const resultsOf = async (job: string) =>
  (await listEdits(lineage, job, { limit: 100 })).data.map(({ result }) => result as EditResult);
const branch = (name: string) => createBranch(lineage, modelId, { name, from: 'main' });

/** Numbers that look random and are the same every time. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

test.each([
  [1, 10, 1],
  [2, 12, 3],
  [3, 16, 2],
])('seed %i: of %i edits, %i harmful ones are returned with their reasons', async (seed, size, harmful) => {
  const { id, head } = await branch(`hidden-${seed}`);
  const next = seeded(seed);
  const places = new Set<number>();
  while (places.size < harmful) places.add(Math.floor(next() * size));
  const names = Array.from({ length: size }, (_, index) => `${places.has(index) ? 'Borduria' : 'Sylvania'} ${index}`);
  const gate: GatePolicy = {
    rules: [{ metric: 'reliability', each: true, min: 0 }],
    canaries: names.filter((name) => name.startsWith('Borduria')).map((name) => ({ prompt: edit(name).prompt })),
    on_failure: 'bisect',
  };
  const job = await stack.finished(await stack.submit(names.map(edit), { branch: `hidden-${seed}`, gate, ...memory }));
  expect(job).toMatchObject({ state: 'completed_with_errors', error: null, gate: { passed: true } });
  expect(job.summary).toMatchObject({ edits: size, applied: size - harmful });
  const results = await resultsOf(job.id);
  for (const [index, result] of results.entries()) {
    if (!places.has(index)) {
      expect(result).toMatchObject({ custom_id: names[index], outcome: 'applied', error: null });
      continue;
    }
    expect(result).toMatchObject({
      custom_id: names[index],
      outcome: 'refused',
      error: { code: 'gate_refused', message: expect.stringContaining('canaries_kept is') },
      refusal: { how: 'alone' },
    });
    expect(result.refusal?.reasons.join()).toContain(`"The capital of ${names[index]} is" is answered`);
    expect(result.answer_after).not.toBe(result.answer_before);
  }
  const { trials, refused } = job.result!.bisection as { trials: number; refused: number };
  expect(refused).toBe(harmful);
  expect(trials).toBeLessThanOrEqual(harmful * (Math.ceil(Math.log2(size)) + 2) + 1);
  const active = await activeEdits(lineage, id);
  expect(active.map(({ custom_id }) => custom_id)).toEqual(names.filter((name) => name.startsWith('Sylvania')));
  expect(await checkBranch(lineage, id)).toEqual({ moves: 2 });
  expect(head).not.toBe(job.version_id);

  // The version is the one that a job of the good edits alone makes.
  await branch(`good-${seed}`);
  const good = names.filter((name) => name.startsWith('Sylvania')).map(edit);
  const alone = await stack.finished(await stack.submit(good, { branch: `good-${seed}`, ...memory }));
  expect(job.version_id).toBe(alone.version_id);
});

test('edits that are too much only together: the earlier are kept, and a revert replays what was applied', async () => {
  const { id } = await branch('together');
  const one = await stack.finished(await stack.submit([edit('Town 0')], { branch: 'together' }));
  const step = one.summary!.delta_norm!;
  const gate: GatePolicy = { rules: [{ metric: 'delta_norm', max: 1.5 * step }], on_failure: 'bisect' };
  const edits = Array.from({ length: 6 }, (_, index) => edit(`Village ${index}`));
  const job = await stack.finished(await stack.submit(edits, { branch: 'together', gate }));
  expect(job).toMatchObject({ state: 'completed_with_errors', gate: { passed: true } });
  const results = await resultsOf(job.id);
  const outcomes = results.map(({ outcome }) => outcome);
  expect(outcomes[0]).toBe('applied');
  expect(outcomes).toContain('refused');
  for (const result of results) if (result.outcome === 'refused') expect(result.refusal?.how).toBe('together');
  expect(job.summary!.delta_norm).toBeLessThanOrEqual(1.5 * step);

  const [first] = (await listEdits(lineage, one.id)).data;
  const target = { mode: 'exact' as const, revert_edit_ids: [first!.id], reason: 'a test' };
  const revert = await submitRollback(lineage, { model: modelId, branch: 'together', ...target, created_by: null });
  await dispatch.wake(await laneOfJob(lineage, revert.id));
  expect(await stack.finished(revert.id)).toMatchObject({ state: 'succeeded', error: null });
  const kept = edits.filter((_, index) => outcomes[index] === 'applied').map(({ custom_id }) => custom_id);
  expect((await activeEdits(lineage, id)).map(({ custom_id }) => custom_id)).toEqual(kept);
});

test('a batch with nothing good in it is gated out, edit by edit, and the trials are bounded', async () => {
  const { head } = await branch('hopeless');
  const gate: GatePolicy = { rules: [{ metric: 'delta_norm', max: 0 }], on_failure: 'bisect', bisect_evaluations: 4 };
  const edits = Array.from({ length: 5 }, (_, index) => edit(`Town ${index}`));
  const job = await stack.finished(await stack.submit(edits, { branch: 'hopeless', gate }));
  expect(job).toMatchObject({
    state: 'gated_out',
    error: { code: 'gate_refused' },
    summary: { edits: 5, applied: 0 },
    result: { bisection: { trials: 4, refused: 5 } },
  });
  const how = (await resultsOf(job.id)).map(({ refusal }) => refusal?.how);
  expect(how[0]).toBe('alone');
  expect(how.at(-1)).toBe('unsettled');
  expect((await getBranch(lineage, modelId, 'hopeless')).head).toBe(head);
});

test('edits that the editor could not apply are not tried again, and reported as failed', async () => {
  await branch('mixed');
  const endless = { ...edit('Endless'), prompt: `${'Now, '.repeat(60)}the capital of Endless is` };
  const bad = edit('Borduria');
  const gate: GatePolicy = { rules: [], canaries: [{ prompt: bad.prompt }], on_failure: 'bisect' };
  const edits = [edit('Town 0'), endless, bad, edit('Town 1')];
  const job = await stack.finished(
    await stack.submit(edits, { branch: 'mixed', gate, on_error: 'continue', ...memory }),
  );
  expect(job).toMatchObject({ state: 'completed_with_errors', summary: { edits: 4, applied: 2 } });
  expect((await resultsOf(job.id)).map(({ outcome }) => outcome)).toEqual(['applied', 'failed', 'refused', 'applied']);
});

test('a branch that asks for an approval shows the person what was left out', async () => {
  await branch('guarded');
  const bad = edit('Borduria');
  await setPolicy(lineage, modelId, 'guarded', {
    policy: {
      gate: { rules: [], canaries: [{ prompt: bad.prompt }], on_failure: 'bisect' },
      approval: 'required',
      approval_hours: null,
      auto_rollback: 'off',
      protected: false,
    },
    changed_by: null,
    reason: 'a test',
  });
  const { edits } = parseEditsJsonl(
    [edit('Town 0'), bad, edit('Town 1')].map((line) => JSON.stringify(line)).join('\n'),
  );
  const id = await stack.submit(edits, { branch: 'guarded', gate: null, ...memory });
  await until('it waits', async () => {
    const { data } = await listEvents(lineage, id, { limit: 100 });
    return data.some(({ type }) => type === 'awaiting_approval');
  });
  expect((await resultsOf(id)).map(({ outcome }) => outcome)).toEqual(['applied', 'refused', 'applied']);
});
