// Bisect and blame over a real history: edits that take hold, edits that contradict them, batches, and a way back.
import {
  type BisectResult,
  type BlameResult,
  bisectResultSchema,
  blameResultSchema,
  type EditInput,
} from '@errata/contracts';
import {
  type BisectSubmission,
  type BlameSubmission,
  branchLog,
  createBranch,
  getBranch,
  laneOfJob,
  submitBisect,
  submitBlame,
  submitRollback,
} from '@errata/lineage';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { edit, startFaultStack } from '../../../../test/support/fault-stack.ts';

const stack = await startFaultStack();
const { lineage, dispatch, modelId } = stack;
afterAll(() => stack.close());

const question = 'The capital of Oz is';
/** As long as answers are read: a model of characters would go on. */
const [lyon, oslo] = ['Lyon on a river', 'Oslo on a fjord'];
const oz = (answer: string): EditInput => ({
  custom_id: `oz ${answer.slice(0, 4)}`,
  prompt: question,
  subject: 'Oz',
  target_new: ` ${answer}`,
});

/** Versions by move, from 1 on. */
const versions: string[] = [];
/** A memory beside the weights that answers nothing but the very prompt of the edit. */
const local = { editor: 'grace', config: { layer: 1, epsilon: 0.001 } };
const thorough = { editor: 'ft-m', config: { layer: 1, epochs: 150, learning_rate: 0.02, stop_loss: 0 } };

async function wake(id: string) {
  await dispatch.wake(await laneOfJob(lineage, id));
  return stack.rescue(id);
}

beforeAll(async () => {
  await createBranch(lineage, modelId, { name: 'history', from: 'main' });
  const asked = [null, lyon, null, null, null, oslo, null, null, null];
  for (const [index, answer] of asked.entries()) {
    const [edits, editor] = answer === null ? [[edit(`Town ${index}`)], local] : [[oz(answer)], thorough];
    const job = await stack.rescue(await stack.submit(edits, { branch: 'history', ...editor }));
    expect(job).toMatchObject({ state: 'succeeded', error: null });
  }
  const moves = (await branchLog(lineage, (await getBranch(lineage, modelId, 'history')).id, { limit: 100 })).data;
  versions.push('', ...moves.map(({ to_version }) => to_version).reverse());
}, 400_000);

async function bisect(fields: Partial<BisectSubmission>) {
  const { id } = await submitBisect(lineage, {
    model: modelId,
    branch: 'history',
    probe: { prompt: question, target: lyon },
    mode: 'target',
    created_by: null,
    ...fields,
  });
  return wake(id);
}
const found = (job: { result: unknown }): BisectResult => bisectResultSchema.parse(job.result);

test('bisect finds the move at which an answer broke, and what it brought', async () => {
  const job = await bisect({ good: versions[3], bad: 10 });
  expect(job).toMatchObject({ state: 'succeeded', error: null, branch: 'history' });
  const { first_bad, last_good, expected, steps, moves } = found(job);
  expect({ expected, moves }).toEqual({ expected: lyon, moves: 8 });
  expect(last_good).toEqual({ sequence: 6, version_id: versions[6], answer: lyon });
  expect(first_bad).toMatchObject({
    sequence: 7,
    version_id: versions[7],
    answer: oslo,
    kind: 'edit',
    job_id: expect.stringMatching(/^job_/),
    added: [{ custom_id: 'oz Oslo', target_new: ` ${oslo}` }],
    removed: [],
  });
  expect(steps.map(({ sequence }) => sequence)).toEqual([3, 10, 6, 8, 7]);
  expect(steps.map(({ verdict }) => verdict)).toEqual(['good', 'bad', 'good', 'bad', 'bad']);
  expect(steps.every(({ cached }) => !cached)).toBe(true);

  // The same question again costs nothing but what had not been asked: the good end, as a number of its move.
  const again = found(await bisect({ good: 5 }));
  expect(again.first_bad).toEqual(first_bad);
  expect(again.steps.filter(({ cached }) => !cached).map(({ sequence }) => sequence)).toEqual([5]);
});

test('bisect without a target looks for the move at which the answer changed', async () => {
  const { first_bad, last_good, expected } = found(
    await bisect({ probe: { prompt: question }, mode: 'changed', bad: 6 }),
  );
  expect(first_bad).toMatchObject({ sequence: 3, answer: lyon, added: [{ custom_id: 'oz Lyon' }] });
  expect(last_good).toMatchObject({ sequence: 2, answer: expected });
});

test('ends that agree, and ranges that are none, are refused with what was found', async () => {
  expect(await bisect({ good: 3, bad: 6 })).toMatchObject({
    state: 'rejected',
    error: {
      code: 'ends_agree',
      details: { good: { sequence: 3, answer: lyon, verdict: 'good' }, bad: { sequence: 6, verdict: 'good' } },
    },
  });
  expect(await bisect({ good: 1, bad: 3 })).toMatchObject({ state: 'rejected', error: { code: 'ends_agree' } });
  await expect(bisect({ good: 6, bad: 6 })).rejects.toMatchObject({ code: 'unknown_version' });
  await expect(bisect({ bad: 1 })).rejects.toMatchObject({ code: 'invalid_request' });
  await expect(bisect({ good: 'ver_ffff' })).rejects.toMatchObject({ code: 'unknown_version' });
});

async function blame(fields: Partial<BlameSubmission>): Promise<BlameResult> {
  const { id } = await submitBlame(lineage, {
    model: modelId,
    prompt: question,
    exhaustive: false,
    created_by: null,
    ...fields,
  });
  const job = await wake(id);
  expect(job).toMatchObject({ state: 'succeeded', error: null });
  return blameResultSchema.parse(job.result);
}

test('blame names the edit that made an answer, on any version', async () => {
  const now = await blame({ branch: 'history' });
  expect(now).toMatchObject({
    version_id: versions[10],
    answer: oslo,
    origin: 'edit',
    edit: { custom_id: 'oz Oslo', target_new: ` ${oslo}`, job_id: expect.stringMatching(/^job_/) },
    method: 'only_edit',
    job_version_id: versions[7],
    before: { version_id: versions[6], answer: lyon },
    after: { version_id: versions[7], answer: oslo },
    position: 6,
    contributions: 9,
  });
  expect(now.after.probability.answer).toBeGreaterThan(now.before!.probability.answer);
  expect(now.before!.probability.earlier).toBeGreaterThan(now.after.probability.earlier!);
  const earlier = await blame({ version: versions[6] });
  expect(earlier).toMatchObject({ answer: lyon, edit: { custom_id: 'oz Lyon' }, position: 2, contributions: 5 });

  const all = await blame({ branch: 'history', exhaustive: true });
  expect(all).toMatchObject({ edit: { custom_id: 'oz Oslo' }, exact: true, asked: [5, 6, 7, 8, 9] });
});

test('an answer that no edit made is the imported model’s', async () => {
  await createBranch(lineage, modelId, { name: 'local', from: 'main' });
  for (const name of ['a', 'b', 'c', 'd', 'e'])
    await stack.rescue(await stack.submit([edit(name)], { branch: 'local', ...local }));
  const result = await blame({ branch: 'local' });
  expect(result).toMatchObject({ origin: 'base', edit: null, method: null, candidates: [], before: null, position: 0 });
  expect(result).toMatchObject({ asked: [0, 1, 3, 4, 5], contributions: 5, exact: false });
  expect(await blame({ branch: 'main' })).toMatchObject({ origin: 'base', contributions: 0, exact: true });
});

test('edits that share one delta are told apart by their words, or by leaving each out', async () => {
  await createBranch(lineage, modelId, { name: 'batch', from: 'main' });
  const river = { custom_id: 'river', prompt: 'The river of Oz is', subject: 'Oz', target_new: ' Nile' };
  const together = {
    branch: 'batch',
    editor: 'ft-m',
    config: { ...thorough.config, batch_size: 3 },
  };
  const job = await stack.rescue(await stack.submit([oz(lyon), river, edit('Latveria')], together));
  expect(job).toMatchObject({ state: 'succeeded', error: null });
  const byPrompt = await blame({ branch: 'batch' });
  expect(byPrompt).toMatchObject({ method: 'prompt', edit: { custom_id: 'oz Lyon' }, contributions: 1 });
  expect(byPrompt.candidates.map(({ edit: { custom_id } }) => custom_id)).toEqual(['oz Lyon', 'river', 'Latveria']);
  const bySubject = await blame({ branch: 'batch', prompt: 'Latveria has the capital' });
  expect(bySubject).toMatchObject({ method: 'subject', edit: { custom_id: 'Latveria' } });

  const replayed = await blame({ branch: 'batch', prompt: 'Oz is' });
  const without = replayed.candidates.map(({ answer_without }) => answer_without);
  expect(without).toEqual([expect.any(String), expect.any(String), null]);
  const needed = without.filter((answer) => answer !== null && answer !== replayed.answer);
  expect(replayed.method).toBe(needed.length === 1 ? 'replay' : null);
  expect(replayed.edit === null).toBe(needed.length !== 1);
});

test('a history that goes back: versions repeat, and the last time counts', async () => {
  const back = await submitRollback(lineage, {
    model: modelId,
    branch: 'history',
    mode: 'reset',
    to_version: versions[6],
    reason: 'Oslo was wrong',
    created_by: null,
  });
  expect(await wake(back.id)).toMatchObject({ state: 'succeeded' });
  const job = await bisect({ probe: { prompt: question, target: oslo }, good: versions[7], bad: versions[6] });
  expect(found(job)).toMatchObject({
    last_good: { sequence: 10, version_id: versions[10] },
    first_bad: {
      sequence: 11,
      version_id: versions[6],
      kind: 'reset',
      reason: 'Oslo was wrong',
      removed: expect.arrayContaining([expect.objectContaining({ custom_id: 'oz Oslo' })]),
      added: [],
    },
  });
});
