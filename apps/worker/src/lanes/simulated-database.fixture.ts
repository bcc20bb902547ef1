// The database of a simulated service: tables in memory, one function a transaction. Locks, epochs and compare-and-swap are a model of
// what PostgreSQL does; where a job goes and what a version is called is decided by the real code.
import {
  canMove,
  ErrataError,
  isTerminal,
  type JobState,
  nextVersionId,
  rootVersionId,
  sha256,
} from '@errata/contracts';
import { afterFailedAttempt } from '@errata/lineage';
import type { EventFact, History, JobFact, LinkFact, MoveFact } from '../../../../test/support/recorded-history.ts';
import { Interruption } from '../attempts/failed-attempt.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
export interface Job extends Mutable<JobFact> {
  attempts: number;
  epoch: number | null;
  cancelRequested: boolean;
  availableAt: number;
  /** An edit that its gate refuses. */
  readonly bad: boolean;
}
export interface Lease {
  readonly lane: string;
  readonly holder: string;
  readonly epoch: number;
}

/** What is asked for: an edit, which may be one that was asked for before, a reset to a version, a revert of an edit. */
export type Request =
  | { readonly kind: 'edit'; readonly bad: boolean; readonly again?: string }
  | { readonly kind: 'reset'; readonly version: string }
  | { readonly kind: 'exact'; readonly edit: string };

/** What a job makes of its branch: where it builds, and what it puts on top. */
export interface Outcome {
  readonly kind: Request['kind'];
  readonly tip: string | null;
  readonly added: readonly { readonly edits: readonly string[]; readonly blob: string }[];
}

/** Ways to break the model, to see that the checks notice. */
export const defects = ['no fencing', 'no order', 'events apart', 'no reconciler', 'reverts forget'] as const;
export type Defect = (typeof defects)[number];

export const leaseMs = 3_000;
const digest = sha256('model');
const root = rootVersionId(digest);

export function openSimulatedDatabase(branchNames: readonly string[], now: () => number, defect?: Defect) {
  let transactions = 0;
  const jobs: Job[] = [];
  const events: EventFact[] = [];
  const edits: History['edits'][number][] = [];
  const links: LinkFact[] = [];
  const versions: History['versions'][number][] = [{ id: root, model_id: 'm', tip_id: null, job_id: null }];
  const moves: MoveFact[] = [];
  const blobs = new Map<string, 'whole'>();
  const branches = branchNames.map(
    (id): Mutable<History['branches'][number]> => ({ id, head_version_id: root, tip_id: null }),
  );
  const leases = new Map(branchNames.map((id) => [id, { epoch: 0, holder: null as string | null, expires: 0 }]));

  const branchOf = (id: string) => branches.find((branch) => branch.id === id)!;
  const leaseOf = (lane: string) => leases.get(lane)!;
  const inLane = (lane: string) => jobs.filter(({ lane_id }) => lane_id === lane);
  const movesOf = (branch: string) => moves.filter(({ branch_id }) => branch_id === branch);
  const move = (branch_id: string, fields: Omit<MoveFact, 'branch_id' | 'sequence' | 'model_id'>) => {
    const sequence = movesOf(branch_id).length + 1;
    moves.push({ branch_id, sequence, model_id: 'm', ...fields });
    return sequence;
  };
  for (const id of branchNames)
    move(id, {
      kind: 'created',
      from_version_id: null,
      to_version_id: root,
      tip_id: null,
      job_id: null,
      xid: 'import',
    });

  const stale = () => new ErrataError('stale_epoch', 'superseded');
  const transact = <T>(work: (xid: string) => T): T => {
    transactions += 1;
    return work(`t${transactions}`);
  };
  const isOurs = ({ lane, holder, epoch }: Lease) => leaseOf(lane).holder === holder && leaseOf(lane).epoch === epoch;
  const hold = (lease: Lease) => {
    if (defect !== 'no fencing' && !isOurs(lease)) throw stale();
  };
  /** The state a worker believes in, and its epoch, must be those of the row. */
  const expectRow = (job: Job, from: JobState, lease: Lease) => {
    if (defect !== 'no fencing' && (job.state !== from || job.epoch !== lease.epoch)) throw stale();
  };
  const change = (xid: string, job: Job, to: JobState, data: Record<string, unknown> = {}) => {
    if (!canMove(job.state, to)) throw new Error(`a job cannot move from ${job.state} to ${to}`);
    job.state = to;
    job.xid = xid;
    events.push({ id: events.length + 1, job_id: job.id, type: to, state: to, data, xid });
  };

  /** The links that act on a branch, first to last. */
  const chainOf = (branch: string): readonly LinkFact[] => {
    const chain: LinkFact[] = [];
    const at = (id: string | null) => links.find((link) => link.id === id);
    for (let link = at(branchOf(branch).tip_id); link !== undefined; link = at(link.previous_id)) chain.push(link);
    return chain.reverse();
  };
  const versionAt = (tip: string | null) => links.find(({ id }) => id === tip)?.version_id ?? root;

  return {
    jobs: jobs as readonly Job[],
    /** Versions where a branch has been. */
    versionsOf: (branch: string) => movesOf(branch).map(({ to_version_id }) => to_version_id),
    activeEdits: (branch: string) => chainOf(branch).flatMap(({ edit_ids }) => edit_ids),
    headOf: (branch: string) => branchOf(branch).head_version_id,
    submit: (branch: string, request: Request) =>
      transact((xid) => {
        const id = `j${jobs.length + 1}`;
        jobs.push({
          id,
          kind: request.kind === 'edit' ? 'edit' : 'rollback',
          state: 'queued',
          lane_id: branch,
          sequence: inLane(branch).length + 1,
          branch_id: branch,
          input:
            request.kind === 'edit'
              ? { again: request.again ?? null }
              : request.kind === 'reset'
                ? { to_version: request.version }
                : { revert_edit_ids: [request.edit] },
          result: null,
          parent_version_id: null,
          version_id: null,
          attempts: 0,
          epoch: null,
          availableAt: 0,
          cancelRequested: false,
          bad: request.kind === 'edit' && request.bad,
          xid,
        });
        if (request.kind === 'edit')
          edits.push({ id: `e-${id}`, job_id: id, position: 0, payload: { custom_id: id, prompt: id }, result: null });
        events.push({ id: events.length + 1, job_id: id, type: 'queued', state: 'queued', data: {}, xid });
      }),
    /** Lanes with work that nobody holds. */
    lanesNeedingWork: () =>
      branchNames.filter((lane) => {
        const { holder, expires } = leaseOf(lane);
        return (holder === null || expires < now()) && inLane(lane).some(({ state }) => !isTerminal(state));
      }),
    acquire: (holder: string, lane: string): Lease | null =>
      transact(() => {
        const held = leaseOf(lane);
        if (held.holder !== null && held.expires >= now()) return null;
        Object.assign(held, { holder, epoch: held.epoch + 1, expires: now() + leaseMs });
        return { lane, holder, epoch: held.epoch };
      }),
    renew: (lease: Lease): boolean =>
      transact(() => {
        if (!isOurs(lease)) return false;
        leaseOf(lease.lane).expires = now() + leaseMs;
        return true;
      }),
    release: (lease: Lease) =>
      transact(() => {
        if (isOurs(lease)) leaseOf(lease.lane).holder = null;
      }),
    take: (lease: Lease): Job | null =>
      transact((xid) => {
        hold(lease);
        for (;;) {
          const open = inLane(lease.lane).filter(({ state }) => !isTerminal(state));
          const ready = open.find(({ availableAt }) => availableAt <= now());
          const job = defect === 'no order' ? (ready ?? open[0]) : open[0];
          if (job === undefined) return null;
          if (job.state !== 'queued') {
            change(xid, job, afterFailedAttempt(job));
            continue;
          }
          if (job.cancelRequested) {
            change(xid, job, 'cancelled');
            continue;
          }
          if (job.availableAt > now()) return null;
          job.attempts += 1;
          job.epoch = lease.epoch;
          job.parent_version_id = branchOf(lease.lane).head_version_id;
          change(xid, job, 'running');
          return job;
        }
      }),
    /** What a job comes to on the head of its branch. `unknown_edit` when what is to be taken back does not act any more. */
    plan: ({ id, branch_id, input }: Job): Outcome => {
      const branch = branchOf(branch_id!);
      const put = (parent: string, by: string) => {
        const blob = sha256(`${parent} ${by}`);
        blobs.set(blob, 'whole');
        return blob;
      };
      if (input.to_version !== undefined) {
        const to = movesOf(branch.id).findLast(({ to_version_id }) => to_version_id === input.to_version);
        return { kind: 'reset', tip: to!.tip_id, added: [] };
      }
      const [reverted] = (input.revert_edit_ids ?? []) as readonly string[];
      if (reverted === undefined) {
        const holds = chainOf(branch.id).some(({ edit_ids }) => edit_ids.includes(input.again as string));
        if (holds) return { kind: 'edit', tip: branch.tip_id, added: [] };
        const blob = put(branch.head_version_id, `e-${id}`);
        return { kind: 'edit', tip: branch.tip_id, added: [{ edits: [`e-${id}`], blob }] };
      }
      const chain = chainOf(branch.id);
      const at = chain.findIndex(({ edit_ids }) => edit_ids.includes(reverted));
      if (at < 0) throw new ErrataError('unknown_edit', 'taken back already');
      const tip = chain[at]!.previous_id;
      let parent = versionAt(tip);
      const added = (defect === 'reverts forget' ? [] : chain.slice(at + 1)).map(({ edit_ids }) => {
        const blob = put(parent, edit_ids.join());
        parent = nextVersionId(parent, { kind: 'dense', blob });
        return { edits: edit_ids, blob };
      });
      return { kind: 'exact', tip, added };
    },
    step: (lease: Lease, job: Job, from: JobState, to: JobState) =>
      transact((xid) => {
        hold(lease);
        expectRow(job, from, lease);
        if (to === 'committing' && job.cancelRequested) throw new Interruption('cancelled', 'asked for');
        change(xid, job, to);
      }),
    requeue: (lease: Lease, job: Job, from: JobState, delayMs: number) =>
      transact((xid) => {
        hold(lease);
        expectRow(job, from, lease);
        job.availableAt = now() + delayMs;
        change(xid, job, afterFailedAttempt(job));
      }),
    commit: (lease: Lease, job: Job, parent: string, { kind, tip, added }: Outcome) =>
      transact((xid) => {
        hold(lease);
        if (moves.some(({ job_id }) => job_id === job.id)) return;
        expectRow(job, 'committing', lease);
        const branch = branchOf(lease.lane);
        if (kind === 'edit' && added.length === 0) {
          const index = edits.findIndex(({ job_id }) => job_id === job.id);
          edits[index] = { ...edits[index]!, result: { outcome: 'already_holds' } };
          job.version_id = parent;
          job.parent_version_id = parent;
          return change(xid, job, 'succeeded', { version_id: parent });
        }
        if (branch.head_version_id !== parent) throw new ErrataError('stale_parent', 'elsewhere');
        let at = tip;
        for (const { edits: edit_ids, blob } of added) {
          const id = `l${links.length + 1}`;
          const version_id = nextVersionId(versionAt(at), { kind: 'dense', blob });
          const depth = (links.find((link) => link.id === at)?.depth ?? 0) + 1;
          const deltas = [{ kind: 'dense', blob }] as const;
          links.push({ id, model_id: 'm', previous_id: at, depth, job_id: job.id, edit_ids, deltas, version_id, xid });
          at = id;
          if (versions.every((version) => version.id !== version_id))
            versions.push({ id: version_id, model_id: 'm', tip_id: id, job_id: job.id });
        }
        const to = versionAt(at);
        Object.assign(branch, { head_version_id: to, tip_id: at });
        const sequence = move(branch.id, {
          kind,
          from_version_id: parent,
          to_version_id: to,
          tip_id: at,
          job_id: job.id,
          xid,
        });
        job.version_id = to;
        job.parent_version_id = parent;
        if (kind === 'exact') job.result = { reverted: job.input.revert_edit_ids };
        change(defect === 'events apart' ? `${xid}+` : xid, job, 'succeeded', { sequence, version_id: to });
      }),
    history: (): History => ({
      models: [{ id: 'm', digest, files: [] }],
      lanes: branchNames.map((id) => ({ id, next_sequence: inLane(id).length + 1 })),
      jobs,
      events,
      edits,
      contributions: links,
      versions,
      branches,
      branch_moves: moves,
      snapshots: [],
      artefacts: [],
      candidates: [],
      evaluation_blocks: [],
      inbox_edits: [],
      aliases: [],
      alias_moves: [],
      blobs,
    }),
  };
}
