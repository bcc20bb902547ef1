// A branch with edits behind it for each way of changing what a name serves, and a worker that knows of no policy.
import {
  awaitApproval,
  branchLane,
  commitVersion,
  getBranch,
  moveJob,
  openBranchWork,
  releaseLease,
  upon,
} from '@errata/lineage';
import { type ApiFixture, anEdit } from '../../../../test/support/api.ts';

export type Guard = 'open' | 'approval' | 'protected';
export type MoveKind = 'edit' | 'exact' | 'subtract' | 'reset';

/** Where a way is tried: a branch of its own, with one edit, whose policy is the guard. */
export type Place = Awaited<ReturnType<typeof openPlace>>;

let places = 0;
// Of those who have been at the imported model, the most guarded would hand its policy on.
const open = { approval: 'none', protected: false };

/** Makes a branch at the imported model and one edit of it, then sets the guard. */
export async function openPlace(api: ApiFixture, guard: Guard) {
  places += 1;
  const branch = `place-${places}`;
  const model = (await api.get('/v1/models/atlas')).body;
  const root = model.branches.find(({ name }: { name: string }) => name === 'main').head;
  const { id } = (await api.post('/v1/models/atlas/branches', { name: branch, from: root, ...open })).body;
  const lane = branchLane(id);
  const { body: job } = await api.post('/v1/edit_jobs', { model: 'atlas', branch, edits: [anEdit('France')] });
  const head = await api.carryOut(lane);
  const [{ id: edit }] = (await api.get(`/v1/jobs/${job.id}/edits`)).body.data;
  const place = {
    branch,
    id,
    lane,
    root,
    head,
    edit,
    job: job.id as string,
    guard,
    address: `/v1/models/atlas/branches/${branch}`,
  };
  await setGuard(api, place, guard);
  return place;
}

export async function setGuard(api: ApiFixture, { address }: { readonly address: string }, guard: Guard) {
  const { gate, approval_hours, auto_rollback } = (await api.get(`${address}/policy`)).body;
  const approval = guard === 'approval' ? 'required' : 'none';
  const policy = { gate, approval_hours, auto_rollback, approval, protected: guard === 'protected', reason: 'a test' };
  const { status, body } = await api.call('PUT', `${address}/policy`, { body: policy });
  if (status !== 200) throw new Error(JSON.stringify(body));
}

const added = (job: string) => [
  { job_id: job, edit_ids: [], deltas: [{ kind: 'dense' as const, blob: 'a'.repeat(64) }], bytes: 1 },
];
const found = { outcome: 'succeeded', summary: null, gate: null, editResults: [] } as const;

/** Takes the branch's next job and commits it, whatever its policy says: `moves`, or the code it is refused with. */
export async function workBlindly(api: ApiFixture, { lane, branch }: Place, kind: MoveKind): Promise<string> {
  const { lease, job } = await api.take(lane);
  await moveJob(api.lineage, lease, job.id, 'running', 'committing');
  const { parent } = await openBranchWork(api.lineage, job);
  const ground = upon(parent.ground, added(job.id));
  const commit = commitVersion(api.lineage, lease, { jobId: job.id, parent: parent.version, kind, ground, ...found });
  const came = await commit.then(
    () => 'moves',
    (error) => String(error.code),
  );
  if (came !== 'moves') await moveJob(api.lineage, lease, job.id, 'committing', 'queued');
  await releaseLease(api.lineage, lease);
  const { head } = await getBranch(api.lineage, job.model_id ?? '', branch);
  if ((head !== parent.version) !== (came === 'moves')) throw new Error(`${came}, but the head is ${head}`);
  return came;
}

/** Takes the branch's next job and sets it aside for a person, as a worker does. */
export async function setAside(api: ApiFixture, { lane }: Place): Promise<void> {
  const { lease, job } = await api.take(lane);
  const { parent, branch } = await openBranchWork(api.lineage, job);
  await awaitApproval(api.lineage, lease, {
    jobId: job.id,
    from: 'running',
    parent: parent.version,
    kind: 'edit',
    ground: upon(parent.ground, added(job.id)),
    policyRevision: branch.policy_revision,
    ...found,
  });
  await releaseLease(api.lineage, lease);
}
