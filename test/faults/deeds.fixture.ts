// What a service is asked for so that it passes a failpoint: one deed for every path of the catalogue.
import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { editSchema, type JobResource, type JobState, scheduleRequestSchema } from '@errata/contracts';
import type { Failpoint } from '@errata/failpoints';
import { addToInbox, approveJob, createBranch, createSchedule, getJob, laneOfJob, listEdits } from '@errata/lineage';
import { bundle } from '@errata/programs';
import { closedGate, edit, type FaultStack, openGate, quickEditor, until } from '../support/fault-stack.ts';
import type { ClientRequest } from './client.fixture.ts';

/** Prepares what the fault should spare; the promise is kept when everything that was asked for is over. */
export type Deed = (stack: FaultStack, branch: string, name: string) => Promise<() => Promise<void>>;

/** A job came to another end than was asked for. */
export class UnexpectedEnd extends Error {
  readonly job: JobResource;

  constructor(job: JobResource, wanted: JobState) {
    super(`${job.id} is ${job.state}, not ${wanted}: ${JSON.stringify(job.error)}`);
    this.name = 'UnexpectedEnd';
    this.job = job;
  }
}

const mustBe = (state: JobState, job: JobResource) => {
  if (job.state !== state) throw new UnexpectedEnd(job, state);
};

const twoEdits = (name: string) => [edit(`the town of ${name}`), edit(`the land of ${name}`)];

const applyEdits: Deed = async (stack, branch, name) => {
  await stack.branch(branch);
  return async () => mustBe('succeeded', await stack.finished(await stack.submit(twoEdits(name), { branch })));
};

const retry: Deed = async (stack, branch, name) => {
  await (await stack.arm('edit.after_solve', 'error')).taken();
  return applyEdits(stack, branch, name);
};

const refuse: Deed = async (stack, branch, name) => {
  await stack.branch(branch);
  return async () =>
    mustBe('gated_out', await stack.finished(await stack.submit(twoEdits(name), { branch, gate: closedGate })));
};

const rollBack: Deed = async (stack, branch, name) => {
  await stack.branch(branch);
  const first = await stack.submit([edit(`the town of ${name}`)], { branch });
  const second = await stack.submit([edit(`the land of ${name}`)], { branch });
  for (const id of [first, second]) mustBe('succeeded', await stack.finished(id));
  const { data: edits } = await listEdits(stack.lineage, first);
  return async () => {
    const revert_edit_ids = edits.map(({ id }) => id);
    mustBe('succeeded', await stack.finished(await stack.rollBack(branch, { mode: 'exact', revert_edit_ids })));
  };
};

/** What was done is undone by a reset and asked for once more: an equal request upon an equal version. */
export const resetAndRepeat: Deed = async (stack, branch, name) => {
  const { head } = await stack.branch(branch);
  const apply = async () => mustBe('succeeded', await stack.finished(await stack.submit(twoEdits(name), { branch })));
  await apply();
  return async () => {
    mustBe('succeeded', await stack.finished(await stack.rollBack(branch, { mode: 'reset', to_version: head })));
    await apply();
  };
};

/** A candidate that waits for an approval. */
async function waitingCandidate(stack: FaultStack, branch: string, name: string): Promise<string> {
  const id = await stack.submit(twoEdits(name), { branch });
  await until(`${id} waits`, async () => (await getJob(stack.lineage, id)).state === 'awaiting_approval');
  return id;
}

const guarded = ({ lineage, modelId }: FaultStack, name: string) =>
  createBranch(lineage, modelId, { name, from: 'main', approval: 'required' }).catch(() => {}); // it may be there already

const awaitApproval: Deed = async (stack, branch, name) => {
  await guarded(stack, branch);
  return async () => {
    const id = await waitingCandidate(stack, branch, name);
    await approveJob(stack.lineage, { jobId: id, by: 'somebody', reason: 'a test' });
    await stack.dispatch.wake(await laneOfJob(stack.lineage, id));
    mustBe('succeeded', await stack.finished(id));
  };
};

const approve: Deed = async (stack, branch, name) => {
  await guarded(stack, branch);
  const job = await waitingCandidate(stack, branch, name);
  return async () => {
    // It may have been approved though the answer was lost; then it is not waiting any more.
    while ((await getJob(stack.lineage, job)).state === 'awaiting_approval')
      await client(stack, { do: 'approve', job });
    mustBe('succeeded', await stack.finished(job));
  };
};

/** A version is stored whole once that pays: sooner or later, on any machine. */
const storeWhole: Deed = async (stack, branch, name) => {
  await stack.branch(branch);
  const snapshots = async () =>
    (await stack.query('SELECT version_id FROM snapshots')).map(({ version_id }) => version_id);
  const before = await snapshots();
  return async () => {
    for (let batch = 0; (await snapshots()).every((version) => before.includes(version)); batch++) {
      const edits = Array.from({ length: 8 }, (_, index) => edit(`town ${index} of ${name}, ${batch}`));
      mustBe('succeeded', await stack.finished(await stack.submit(edits, { branch })));
    }
  };
};

const submit: Deed = async (stack, branch, name) => {
  await stack.branch(branch);
  return async () => {
    const model = stack.modelId;
    const [job] = await insist(stack, { do: 'submit', model, branch, edits: twoEdits(name), ...quickEditor });
    stack.acknowledged.jobs.push(job!);
    mustBe('succeeded', await stack.finished(job!));
  };
};

async function scheduledBranch(stack: FaultStack, branch: string): Promise<string> {
  const { id: branch_id } = await stack.branch(branch);
  const asked = { name: branch, model: 'tiny', ...quickEditor, gate: openGate, when_pending: 2, batch_size: 2 };
  const { model: _, branch: __, ...request } = scheduleRequestSchema.parse(asked);
  await createSchedule(stack.lineage, { ...request, branch_id, owner: null }).catch(() => {}); // it may be there already
  return branch_id;
}

async function untilApplied({ query, finished }: FaultStack, ids: readonly string[]): Promise<void> {
  await until(`${ids.join()} are in jobs`, async () => {
    const rows = await query('SELECT 1 FROM inbox_edits WHERE id = ANY($1) AND job_id IS NOT NULL', [ids]);
    return rows.length === ids.length;
  });
  const jobs = await query('SELECT DISTINCT job_id FROM inbox_edits WHERE id = ANY($1)', [ids]);
  for (const { job_id } of jobs) mustBe('succeeded', await finished(String(job_id)));
}

const schedule: Deed = async (stack, branch, name) => {
  const branch_id = await scheduledBranch(stack, branch);
  return async () => {
    const edits = twoEdits(name).map((input) => editSchema.parse(input));
    const receipt = await addToInbox(stack.lineage, { branch_id, edits, priority: 0, created_by: null });
    const ids = receipt.edits.map(({ id }) => id);
    stack.acknowledged.inbox.push(...ids);
    await untilApplied(stack, ids);
  };
};

const deliver: Deed = async (stack, branch, name) => {
  const branch_id = await scheduledBranch(stack, branch);
  return async () => {
    const ids = await insist(stack, { do: 'deliver', branch_id, edits: twoEdits(name) });
    stack.acknowledged.inbox.push(...ids);
    await untilApplied(stack, ids);
  };
};

const moveAlias: Deed = async (stack, branch, name) => {
  const { head } = await stack.branch(branch);
  const alias = `alias-${branch}`;
  await client(stack, { do: 'alias', model: stack.modelId, name: alias, version: head });
  await (await applyEdits(stack, branch, name))();
  return async () => {
    const version = (await stack.branch(branch)).head;
    await insist(stack, { do: 'alias', model: stack.modelId, name: alias, version });
  };
};

/** Blobs that nothing names are marked; then the collection that deletes them is asked for. */
const collect: Deed = async (stack, _, name) => {
  const strays = await stack.strayBlobs(`first stray of ${name}`, `second stray of ${name}`);
  const collectOnce = async () => mustBe('succeeded', await stack.finished(await stack.collect()));
  await collectOnce();
  return async () => {
    // While a job is under way that may yet name them, they stay.
    do await collectOnce();
    while (await strays.areThere());
  };
};

const run = promisify(execFile);

/** The client's program, bundled once: it starts as quickly as those that it stands for. */
let program: Promise<string> | undefined;
const bundledClient = async () => {
  const directory = fileURLToPath(new URL(`../../dist/client.${process.pid}`, import.meta.url));
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  await bundle({ client: 'test/faults/client.fixture.ts' }, directory);
  return join(directory, 'client.js');
};

/** Makes a request in a process of its own; null when that died or failed on the way. */
async function client({ environment }: FaultStack, request: ClientRequest): Promise<readonly string[] | null> {
  program ??= bundledClient();
  const argv = [await program, JSON.stringify(request)];
  try {
    const { stdout } = await run(process.execPath, argv, { env: { ...process.env, ...environment } });
    return (JSON.parse(stdout) as { acknowledged: string[] }).acknowledged;
  } catch {
    return null;
  }
}

/** Makes it until it is acknowledged. */
async function insist(stack: FaultStack, request: ClientRequest): Promise<readonly string[]> {
  for (let attempt = 0; attempt < 10; attempt++) {
    const acknowledged = await client(stack, request);
    if (acknowledged !== null) return acknowledged;
  }
  throw new Error(`nobody acknowledges ${JSON.stringify(request)}`);
}

/** The first half of a failpoint's name. */
export type Path = Failpoint extends `${infer P}.${string}` ? P : never;

export const deeds: Readonly<Record<Path, Deed>> = {
  submit,
  blob: applyEdits,
  lease: applyEdits,
  take: applyEdits,
  edit: applyEdits,
  transition: applyEdits,
  commit: applyEdits,
  snapshot: storeWhole,
  requeue: retry,
  rollback: rollBack,
  finish: refuse,
  approval: awaitApproval,
  approve,
  inbox: deliver,
  schedule,
  alias: moveAlias,
  gc: collect,
  delete: collect,
};

export const pathOf = (place: Failpoint): Path => place.slice(0, place.indexOf('.')) as Path;
