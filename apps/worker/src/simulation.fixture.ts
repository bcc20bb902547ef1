// A simulated service: the database as a model in memory, workers that can be stopped at every step, a clock of its own. What is decided
// is decided by the real code; what is a model is the database's part: locks, epochs, compare-and-swap.
import {
  canMove,
  ErrataError,
  isTerminal,
  type JobState,
  judge,
  nextVersionId,
  rootVersionId,
  sha256,
} from '@errata/contracts';
import { afterFailedAttempt, maxAttempts } from '@errata/lineage';
import type { EventFact, History, JobFact, LinkFact, MoveFact } from '../../../test/faults/history.ts';
import { Interruption, judgeFailure } from './verdict.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
interface Job extends Mutable<JobFact> {
  attempts: number;
  epoch: number | null;
  cancelRequested: boolean;
  availableAt: number;
  readonly bad: boolean;
}
interface Lease {
  readonly holder: string;
  readonly epoch: number;
}

/** Ways to break the model, to see that the checks notice. */
export type Defect = 'none' | 'no fencing' | 'no order' | 'events apart';

const digest = sha256('model');
const root = rootVersionId(digest);
const lane = 'branch:b';
const leaseMs = 3_000;

/** Runs one seed to its end; answers with its history. `next` gives uniform numbers in [0, 1). */
export function simulate(next: () => number, defect: Defect = 'none'): History {
  let now = 0;
  let transactions = 0;
  let ids = 0;
  const jobs: Job[] = [];
  const events: EventFact[] = [];
  const edits: History['edits'][number][] = [];
  const links: LinkFact[] = [];
  const versions: History['versions'][number][] = [{ id: root, model_id: 'm', tip_id: null, job_id: null }];
  const moves: MoveFact[] = [];
  const blobs = new Map<string, 'whole'>();
  const branch: Mutable<History['branches'][number]> = { id: 'b', head_version_id: root, tip_id: null };
  const held: { epoch: number; holder: string | null; expires: number } = { epoch: 0, holder: null, expires: 0 };
  const move = (fields: Omit<MoveFact, 'branch_id' | 'sequence' | 'model_id'>) =>
    moves.push({ branch_id: 'b', sequence: moves.length + 1, model_id: 'm', ...fields });
  move({ kind: 'created', from_version_id: null, to_version_id: root, tip_id: null, job_id: null, xid: 'import' });

  // --- the database's part: each function is one transaction ---------------------------------------------------------------------
  const stale = () => new ErrataError('stale_epoch', 'superseded');
  const transact = <T>(work: (xid: string) => T): T => {
    transactions += 1;
    return work(`t${transactions}`);
  };
  const hold = (lease: Lease) => {
    if (defect === 'no fencing') return;
    if (held.holder !== lease.holder || held.epoch !== lease.epoch) throw stale();
  };
  const change = (xid: string, job: Job, to: JobState, data: Record<string, unknown> = {}) => {
    if (!canMove(job.state, to)) throw new Error(`a job cannot move from ${job.state} to ${to}`);
    job.state = to;
    job.xid = xid;
    events.push({ id: events.length + 1, job_id: job.id, type: to, state: to, data, xid });
  };
  const submit = (bad: boolean) =>
    transact((xid) => {
      ids += 1;
      const id = `j${ids}`;
      const base = { kind: 'edit', lane_id: lane, branch_id: 'b', input: {}, result: null } as const;
      const fresh = { parent_version_id: null, version_id: null, attempts: 0, epoch: null, availableAt: 0 } as const;
      jobs.push({
        id,
        ...base,
        ...fresh,
        state: 'queued',
        sequence: jobs.length + 1,
        cancelRequested: false,
        bad,
        xid,
      });
      edits.push({ id: `e-${id}`, job_id: id, position: 0, payload: { custom_id: id, prompt: id }, result: null });
      events.push({ id: events.length + 1, job_id: id, type: 'queued', state: 'queued', data: {}, xid });
    });
  const acquire = (holder: string): Lease | null =>
    transact(() => {
      if (held.holder !== null && held.expires >= now) return null;
      Object.assign(held, { holder, epoch: held.epoch + 1, expires: now + leaseMs });
      return { holder, epoch: held.epoch };
    });
  const renew = (lease: Lease): boolean =>
    transact(() => {
      if (held.holder !== lease.holder || held.epoch !== lease.epoch) return false;
      held.expires = now + leaseMs;
      return true;
    });
  const release = (lease: Lease) =>
    transact(() => {
      if (held.holder === lease.holder && held.epoch === lease.epoch) held.holder = null;
    });
  const take = (lease: Lease): Job | null =>
    transact((xid) => {
      hold(lease);
      for (;;) {
        const open = jobs.filter(({ state }) => !isTerminal(state));
        const job = defect === 'no order' ? (open.find(({ availableAt }) => availableAt <= now) ?? open[0]) : open[0];
        if (job === undefined) return null;
        if (job.state !== 'queued') {
          change(xid, job, afterFailedAttempt(job));
          continue;
        }
        if (job.cancelRequested) {
          change(xid, job, 'cancelled');
          continue;
        }
        if (job.availableAt > now) return null;
        job.attempts += 1;
        job.epoch = lease.epoch;
        job.parent_version_id = branch.head_version_id;
        change(xid, job, 'running');
        return job;
      }
    });
  /** The state a worker believes in, and its epoch, must be those of the row. */
  const expectRow = (job: Job, from: JobState, lease: Lease) => {
    if (defect === 'no fencing') return;
    if (job.state !== from || job.epoch !== lease.epoch) throw stale();
  };
  const step = (lease: Lease, job: Job, from: JobState, to: JobState) =>
    transact((xid) => {
      hold(lease);
      expectRow(job, from, lease);
      if (to === 'committing' && job.cancelRequested) throw new Interruption('cancelled', 'asked for');
      change(xid, job, to);
    });
  const requeue = (lease: Lease, job: Job, from: JobState, delayMs: number) =>
    transact((xid) => {
      hold(lease);
      expectRow(job, from, lease);
      job.availableAt = now + delayMs;
      change(xid, job, afterFailedAttempt(job));
    });
  const commit = (lease: Lease, job: Job, parent: string, tip: string | null, blob: string) =>
    transact((xid) => {
      hold(lease);
      if (moves.some(({ job_id }) => job_id === job.id)) return;
      expectRow(job, 'committing', lease);
      if (branch.head_version_id !== parent) throw new ErrataError('stale_parent', 'elsewhere');
      const version = nextVersionId(parent, { kind: 'dense', blob });
      const depth = (links.find(({ id }) => id === tip)?.depth ?? 0) + 1;
      const id = `l${links.length + 1}`;
      const deltas = [{ kind: 'dense', blob }] as const;
      links.push({
        id,
        model_id: 'm',
        previous_id: tip,
        depth,
        job_id: job.id,
        edit_ids: [`e-${job.id}`],
        deltas,
        version_id: version,
        xid,
      });
      versions.push({ id: version, model_id: 'm', tip_id: id, job_id: job.id });
      Object.assign(branch, { head_version_id: version, tip_id: id });
      move({ kind: 'edit', from_version_id: parent, to_version_id: version, tip_id: id, job_id: job.id, xid });
      job.version_id = version;
      job.parent_version_id = parent;
      change(defect === 'events apart' ? `${xid}+` : xid, job, 'succeeded', {
        sequence: moves.length,
        version_id: version,
      });
    });

  // --- a worker: every `yield` is a place where it can die, freeze, or lose the answer of what it has just done ---------------------
  function* worker(name: string): Generator<void, void> {
    for (;;) {
      yield;
      const lease = acquire(name);
      if (lease === null) continue;
      for (;;) {
        yield;
        const job = answered(take(lease));
        if (job === null) break;
        let state: JobState = 'running';
        try {
          const { head_version_id: parent, tip_id: tip } = branch;
          yield;
          if (!renew(lease)) throw new Interruption('let_go', 'the lease was taken over');
          const blob = sha256(`${parent} ${job.id}`);
          blobs.set(blob, 'whole');
          yield;
          step(lease, job, state, 'evaluating');
          state = 'evaluating';
          answered(null);
          yield;
          const gate = {
            rules: [{ metric: 'delta_norm' as const, against: 'absolute' as const, each: false, max: 1 }],
          };
          const verdict = judge(gate, { values: { delta_norm: job.bad ? 2 : 0.5 } });
          yield;
          if (!verdict.passed) {
            step(lease, job, state, 'gated_out');
            break;
          }
          step(lease, job, state, 'committing');
          state = 'committing';
          yield;
          commit(lease, job, parent, tip, blob);
          answered(null);
          state = 'succeeded';
        } catch (thrown) {
          const outcome = judgeFailure(thrown, job.attempts, 100);
          yield;
          try {
            if (outcome.kind === 'let_go') break;
            if (outcome.kind === 'cancelled') step(lease, job, state, 'cancelled');
            else if (outcome.kind === 'retry') requeue(lease, job, state, outcome.delayMs);
            else step(lease, job, state, 'failed');
          } catch {
            break;
          }
        }
      }
      yield;
      release(lease);
    }
  }
  /** What was asked of the database happened; whether its answer arrives is another matter. */
  const answered = <T>(value: T): T => {
    if (faulty && next() < 0.05) throw new ErrataError('unavailable', 'the connection broke');
    return value;
  };

  // --- the world: whoever moves next, and what befalls it -------------------------------------------------------------------------
  let faulty = true;
  let names = 0;
  const hire = () => {
    names += 1;
    return { run: worker(`w${names}`), frozenUntil: 0 };
  };
  const crew = [hire(), hire(), hire()];
  for (let turn = 0; turn < 400 || jobs.some(({ state }) => !isTerminal(state)); turn++) {
    if (turn > 5_000) throw new Error('the service makes no progress');
    faulty = turn < 400;
    now += Math.floor(next() * 200);
    if (faulty && jobs.length < 12 && next() < 0.1) submit(next() < 0.2);
    if (faulty && next() < 0.01) {
      const job = jobs[Math.floor(next() * jobs.length)];
      if (job !== undefined && !isTerminal(job.state) && job.state !== 'committing') job.cancelRequested = true;
    }
    const at = Math.floor(next() * crew.length);
    const chosen = crew[at]!;
    if (chosen.frozenUntil > now) continue;
    if (faulty && next() < 0.02) crew[at] = hire();
    else if (faulty && next() < 0.03) chosen.frozenUntil = now + Math.floor(next() * 3 * leaseMs);
    else {
      try {
        if (chosen.run.next().done === true) crew[at] = hire();
      } catch (error) {
        // Outside of a job: the lane is given up, as in service.
        if (!(error instanceof ErrataError)) throw error;
        crew[at] = hire();
      }
    }
  }
  if (jobs.some(({ attempts }) => attempts > maxAttempts)) throw new Error('a job was tried too often');
  return {
    models: [{ id: 'm', digest, files: [] }],
    lanes: [{ id: lane, next_sequence: jobs.length + 1 }],
    jobs,
    events,
    edits,
    contributions: links,
    versions,
    branches: [branch],
    branch_moves: moves,
    snapshots: [],
    artefacts: [],
    candidates: [],
    evaluation_blocks: [],
    inbox_edits: [],
    aliases: [],
    alias_moves: [],
    blobs,
  };
}
