// Evaluations shared out among workers: whoever asks what, the results are the same to the last digit.
import {
  type CaseResult,
  type EvaluatedEditor,
  editSchema,
  isTerminal,
  type SuiteCase,
  suiteItemSchema,
} from '@errata/contracts';
import { createBranch, getEvaluation, getJob, lanesOfShards, listResults, submitEvaluation } from '@errata/lineage';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { edit, startFaultStack, until, type WorkerProcess } from '../../../../test/support/fault-stack.ts';

const workers = 4;
const names = Array.from({ length: workers }, (_, index) => `worker ${index}`);
const stack = await startFaultStack();
const { lineage, dispatch, modelId } = stack;
afterAll(() => stack.close());

interface Asked {
  readonly branch: string;
  readonly cases: readonly SuiteCase[];
  readonly editor?: EvaluatedEditor;
}

async function submit({ branch, cases, editor }: Asked, shards: number): Promise<string> {
  const suite = { source: 'edits', cases } as const;
  const { id } = await submitEvaluation(lineage, {
    model: modelId,
    branch,
    against: 'base',
    suite,
    editor,
    shards,
    created_by: null,
  });
  for (const lane of await lanesOfShards(lineage, id)) await dispatch.wake(lane);
  return id;
}

/** Which workers asked. */
const holdersOf = async (id: string) =>
  (
    await stack.query(
      `SELECT DISTINCT data->>'holder' AS holder FROM events
       WHERE type = 'running' AND job_id IN (SELECT id FROM jobs WHERE parent_job_id = $1) ORDER BY 1`,
      [id],
    )
  ).map(({ holder }) => holder);

/** By the spare worker alone. */
async function byOne(asked: Asked): Promise<string> {
  const id = await submit(asked, 1);
  expect(await stack.rescue(id)).toMatchObject({ state: 'succeeded', error: null });
  expect(await holdersOf(id)).toEqual(['spare']);
  return id;
}

let crew: readonly WorkerProcess[];

/** By four, each of which stands still with a shard that it takes until all have one. */
async function byFour(asked: Asked): Promise<string> {
  const id = await submit(asked, workers);
  await until('every worker has a shard', async () => (await holdersOf(id)).length === workers);
  // What is taken is noted before its worker stands still.
  await until(`${id} is over`, async () => {
    for (const worker of crew) worker.signal('SIGCONT');
    return isTerminal((await getJob(lineage, id)).state);
  });
  expect(await getJob(lineage, id)).toMatchObject({ state: 'succeeded', error: null });
  expect(await holdersOf(id)).toEqual(names);
  return id;
}

async function found(id: string): Promise<readonly CaseResult[]> {
  return (await listResults(lineage, id, {}, { limit: 500 })).data;
}

async function expectEqual(one: string, other: string): Promise<void> {
  const [first, second] = [await getEvaluation(lineage, one), await getEvaluation(lineage, other)];
  expect([first.shards.total, second.shards.total]).toEqual([1, workers]);
  expect(second.outcome?.digest).toBe(first.outcome?.digest);
  // Only what it cost differs.
  expect({ ...second.outcome, cost: null }).toEqual({ ...first.outcome, cost: null });
  expect({ ...second.summary, seconds: null }).toEqual({ ...first.summary, seconds: null });
  expect(await found(other)).toEqual(await found(one));
}

const nameOf = (index: number) => `Land ${String.fromCharCode(65 + (index % 26))}${index}`;
const made = (index: number): SuiteCase => {
  const name = nameOf(index);
  return {
    kind: 'edit',
    edit: editSchema.parse({
      ...{ ...edit(name), target_true: ' Oslo', rephrases: [`${name} has its capital in`] },
      locality: { neighbourhood: [{ prompt: `The river of ${name} is` }] },
    }),
  };
};
const item = (fields: Readonly<Record<string, unknown>>): SuiteCase => suiteItemSchema.parse(fields);
const reading = {
  ...{ kind: 'reading', task: 'atlas_reading', context: 'It is here.', question: 'It is' },
  ...{ answers: ['here'], impossible: false },
};
/** Edits with locality, and items of every kind between them. */
const mixed = (index: number): SuiteCase => {
  const [id, prompt] = [`item ${index}`, `The river of ${nameOf(index)} runs to the`];
  switch (index % 10) {
    case 0:
      return made(index);
    case 1:
      return item({ kind: 'multiple_choice', id, question: prompt, options: ['sea', 'lake'], answer: index % 2 });
    case 2:
      return item({
        ...{ kind: 'multi_hop', id, questions: [prompt], before: { value: 'sea' }, after: { value: 'lake' } },
        edits: [{ prompt, target_new: 'lake' }],
      });
    case 3:
      return item({
        ...{ kind: 'ripple', id, subset: 'recent' },
        criteria: { forgetfulness: [{ queries: [{ prompt, answers: [{ value: 'sea' }] }], passes: 'all' }] },
      });
    case 4:
      return index < 20
        ? item({ kind: 'text', id, prompts: [prompt], references: { consistency: [`${prompt} sea`] } })
        : item({ ...reading, id });
    default:
      return item({ kind: 'question', id, prompt, answers: ['sea'] });
  }
};

const suite = { branch: 'edited', cases: Array.from({ length: 100 }, (_, index) => mixed(index)) };
const batches = {
  branch: 'main',
  cases: Array.from({ length: 8 }, (_, index) => made(index)),
  editor: {
    name: 'ft-m',
    config: { layer: 1, epochs: 4, learning_rate: 0.02 },
    seed: 3,
    protocol: { kind: 'batch', size: 2 },
  },
} as const;
const byOneOf = { suite: '', batches: '' };

beforeAll(async () => {
  await createBranch(lineage, modelId, { name: 'edited', from: 'main' });
  const edited = await stack.submit([edit('Sylvania')], { branch: 'edited' });
  expect(await stack.rescue(edited)).toMatchObject({ state: 'succeeded', error: null });
  byOneOf.suite = await byOne(suite);
  byOneOf.batches = await byOne(batches);
  crew = names.map((name) => stack.startWorker({ WORKER_NAME: name, ERRATA_FAILPOINT: 'take.after:stop' }));
  await Promise.all(crew.map(({ ready }) => ready));
}, 600_000);

test('a suite of edits with locality and items of all kinds finds the same by 1 worker and by 4', async () => {
  const metrics = Object.keys((await getEvaluation(lineage, byOneOf.suite)).outcome!.metrics);
  for (const metric of ['locality.token', 'multi_hop.accuracy', 'ripple.forgetfulness', 'ability.csqa.likelihood'])
    expect(metrics).toContain(metric);
  for (const metric of ['ngram_entropy', 'reference_score', 'accuracy.exact', 'ability.atlas_reading.f1'])
    expect(metrics).toContain(metric);
  await expectEqual(byOneOf.suite, await byFour(suite));
}, 600_000);

test('batches of edits made anew find the same by 1 worker and by 4', async () => {
  const { outcome } = await getEvaluation(lineage, byOneOf.batches);
  expect(outcome?.metrics['reliability.token']).toMatchObject({ cases: 8 });
  await expectEqual(byOneOf.batches, await byFour(batches));
}, 600_000);
