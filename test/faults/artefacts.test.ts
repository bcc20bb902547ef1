// Artefacts that are built, by a job of their own or on the way of another: a worker that is killed meanwhile costs what came after the last
// checkpoint, and a person can call the job off.
import { dirname } from 'node:path';
import { editSchema } from '@errata/contracts';
import {
  cancelJob,
  laneOfJob,
  lanesOfShards,
  submitArtefactJob,
  submitEvaluation,
  submitImport,
} from '@errata/lineage';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeTinyModel } from '../support/character-model.ts';
import { edit, type FaultStack, shortLeaseMs, startFaultStack, until } from '../support/fault-stack.ts';

let stack: FaultStack;
beforeAll(async () => {
  stack = await startFaultStack({ leaseMs: shortLeaseMs });
});
afterAll(() => stack.close());

/** Tokens that the first checkpoint comes after: 256 windows of 128. */
const checkpointTokens = 256 * 128;
/** Of a text of some more. */
const lines = 800;
const config = { layer: 0, steps: 2, prefixes: [[2, 3]] };

const works: Readonly<Record<string, (model: string) => Promise<string>>> = {
  'a job of its own': async (model) => {
    const input = { kind: 'second_moment', editor: null, layers: [0] };
    const { id } = await submitArtefactJob(stack.lineage, { model, input, created_by: null });
    await stack.dispatch.wake(await laneOfJob(stack.lineage, id));
    return id;
  },
  'an edit job': (model) => stack.submit([edit('Sylvania')], { model, editor: 'r-rome', config }),
  'an evaluation of an editor': async (model) => {
    const { id } = await submitEvaluation(stack.lineage, {
      model,
      against: 'parent',
      suite: { source: 'edits', cases: [{ kind: 'edit', edit: editSchema.parse(edit('Sylvania')) }] },
      editor: { name: 'r-rome', config, seed: 3, protocol: { kind: 'single' } },
      created_by: null,
    });
    for (const lane of await lanesOfShards(stack.lineage, id)) await stack.dispatch.wake(lane);
    return id;
  },
};

let models = 0;
/** Imports a model that has no artefacts yet. */
async function newModel(): Promise<string> {
  models += 1;
  const name = `long-${models}`;
  const path = await writeTinyModel(dirname(stack.blobsDir), 10 + models, { lines });
  const { id } = await submitImport(stack.lineage, { name, path, created_by: null });
  await stack.dispatch.wake(await laneOfJob(stack.lineage, id));
  expect(await stack.rescue(id)).toMatchObject({ state: 'succeeded' });
  return name;
}

/** Has a worker of its own begin the work, and its engine stand still when the second moment is built and about to be stored. */
async function begun(start: (model: string) => Promise<string>, model: string) {
  const fault = await stack.arm('blob.before_write', 'stop');
  const worker = stack.startWorker();
  const id = await start(model);
  await until('the second moment is built', async () => (await fault.taken()) !== null);
  return { id, worker, engine: (await fault.taken())! };
}

/** Tokens that each attempt told of first. */
async function firstTokens(model: string): Promise<readonly number[]> {
  const rows = await stack.query(
    `SELECT e.type, e.data FROM events e JOIN jobs j ON j.id = e.job_id JOIN models m ON m.id = j.model_id
     WHERE m.name = $1 AND (e.type = 'running' OR e.data->>'phase' = 'second_moment') ORDER BY e.id`,
    [model],
  );
  const seen: number[] = [];
  for (const [index, { data }] of rows.entries())
    if (rows[index - 1]?.type === 'running' && rows[index]?.type !== 'running')
      seen.push((data as { done: number }).done);
  return seen;
}

test.each(Object.entries(works))('%s goes on from the checkpoint when its worker is killed', async (_, start) => {
  const model = await newModel();
  const { id, worker, engine } = await begun(start, model);
  worker.signal('SIGKILL');
  process.kill(engine, 'SIGKILL');
  await worker.exited;
  expect(await stack.rescue(id)).toMatchObject({ state: 'succeeded', error: null });
  const [before, after] = await firstTokens(model);
  expect(before).toBeLessThanOrEqual(checkpointTokens);
  expect(after).toBeGreaterThan(checkpointTokens);
});

test.each(Object.entries(works))('%s ends where a person cancels it', async (_, start) => {
  const model = await newModel();
  const { id, worker, engine } = await begun(start, model);
  await cancelJob(stack.lineage, id);
  process.kill(engine, 'SIGCONT');
  expect(await stack.finished(id)).toMatchObject({ state: 'cancelled' });
  worker.signal('SIGTERM');
  await worker.exited;
});
