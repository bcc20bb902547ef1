// Searches through a history as jobs: a lane of their own, no branch moved, a result in the end.
import {
  type BisectMode,
  type BisectResult,
  type BlameResult,
  type ComparisonResult,
  ErrataError,
  type JobResource,
  type Probe,
} from '@errata/contracts';
import { failpoint } from '@errata/failpoints';
import { clientOf, type Db, type Lineage, type Tx } from '../database/client.ts';
import { newId } from '../database/ids.ts';
import { getEvaluation } from '../evaluations/evaluations.ts';
import { placeOf } from '../evaluations/submit.ts';
import { switchedEdits } from '../history/contributions.ts';
import { findVersion } from '../history/versions.ts';
import { holdLane, type Lease } from '../jobs/leases.ts';
import { enqueue, nextSequence, type Submission } from '../jobs/submit.ts';
import { staleJob, transition } from '../jobs/transitions.ts';
import { getModel } from '../models/models.ts';
import { findBranch } from '../names/branches.ts';

/** A move's number, or a version of the branch's history by id or prefix. */
export type RangeEnd = number | string;

export interface BisectSubmission extends Submission {
  /** Name or id. */
  readonly model: string;
  readonly branch: string;
  readonly probe: Probe;
  readonly mode: BisectMode;
  /** The branch's first move when left out. */
  readonly good?: RangeEnd | undefined;
  /** Its last when left out. */
  readonly bad?: RangeEnd | undefined;
}

/**
 * Queues a search for the move at which a probe began to fail. A version that the branch came to several times stands for the last
 * time: for `good`, the last before `bad`. `unknown_model`, `unknown_branch`; `unknown_version` when an end is not in the branch's
 * history; `invalid_request` when good does not come before bad.
 */
export async function submitBisect(db: Lineage, submission: BisectSubmission): Promise<JobResource> {
  return db.prisma.$transaction(async (tx) => {
    const { resource: model } = await getModel(tx, submission.model);
    const branch = await findBranch(tx, model.id, submission.branch);
    const { _max: last } = await tx.branchMove.aggregate({ where: { branchId: branch.id }, _max: { sequence: true } });
    const length = last.sequence ?? 0;
    const place = { branchId: branch.id, modelId: model.id };
    const bad = submission.bad === undefined ? length : await sequenceOf(tx, place, submission.bad, length);
    const good = submission.good === undefined ? 1 : await sequenceOf(tx, place, submission.good, bad - 1);
    if (good >= bad) {
      const message = `good is move ${good} and bad is move ${bad}: good must come before bad`;
      throw new ErrataError('invalid_request', message, {
        errors: [{ code: 'invalid_request', field: 'good', pointer: '/good', message }],
      });
    }
    const { probe, mode } = submission;
    const id = newId('job');
    const lane = `bisect:${id}`;
    return enqueue(tx, submission, {
      id,
      kind: 'bisect',
      lane,
      sequence: await nextSequence(tx, lane),
      modelId: model.id,
      branch,
      input: { probe, mode, good, bad },
    });
  });
}

async function sequenceOf(
  tx: Tx,
  { branchId, modelId }: { readonly branchId: string; readonly modelId: string },
  end: RangeEnd,
  latest: number,
): Promise<number> {
  const where = typeof end === 'number' ? { sequence: end } : { toVersionId: (await findVersion(tx, end, modelId)).id };
  const move = await tx.branchMove.findFirst({
    where: { branchId, AND: [where, { sequence: { lte: latest } }] },
    orderBy: { sequence: 'desc' },
  });
  if (move !== null) return move.sequence;
  const what = typeof end === 'number' ? `move ${end}` : end;
  throw new ErrataError('unknown_version', `${what} is not in the branch's history up to move ${latest}`, {
    details: { version: end, latest },
  });
}

/** A move of a branch as a search looks at it. */
export interface HistoryMove {
  readonly sequence: number;
  readonly version: string;
  readonly tip: string | null;
  readonly kind: string;
  readonly job_id: string | null;
  readonly reason: string | null;
}

/** One move of a branch's history. */
export async function moveAt(db: Db, branchId: string, sequence: number): Promise<HistoryMove> {
  const row = await clientOf(db).branchMove.findUniqueOrThrow({
    where: { branchId_sequence: { branchId, sequence } },
  });
  return {
    sequence: row.sequence,
    version: row.toVersionId,
    tip: row.tipId,
    kind: row.kind,
    job_id: row.jobId,
    reason: row.reason,
  };
}

/** Ids of the edits that are active behind one move and not behind the other. */
export const editsBetween = (db: Db, before: HistoryMove, after: HistoryMove) =>
  switchedEdits(db, before.tip, after.tip);

export interface BlameSubmission extends Submission {
  /** Name or id. */
  readonly model: string;
  /** The head of this branch, `main` when neither is given; or ... */
  readonly branch?: string | undefined;
  /** ... any version, by id or prefix. */
  readonly version?: string | undefined;
  readonly prompt: string;
  readonly exhaustive: boolean;
}

/** Queues a search for the edit that made a version's answer. `unknown_model`, `unknown_branch`, `unknown_version`. */
export async function submitBlame(db: Lineage, submission: BlameSubmission): Promise<JobResource> {
  return db.prisma.$transaction(async (tx) => {
    const { resource: model } = await getModel(tx, submission.model);
    const { branch, version, tip } = await placeOf(tx, model.id, submission);
    const { prompt, exhaustive } = submission;
    const id = newId('job');
    const lane = `blame:${id}`;
    return enqueue(tx, submission, {
      id,
      kind: 'blame',
      lane,
      sequence: await nextSequence(tx, lane),
      modelId: model.id,
      ...(branch === null ? {} : { branch }),
      version,
      input: { prompt, exhaustive, tip },
    });
  });
}

export interface ComparisonSubmission extends Submission {
  /** Ids of evaluations. */
  readonly one: string;
  readonly other: string;
}

/** Queues the comparison of two evaluations. `unknown_job`; `invalid_request` while one of them is not done. */
export async function submitComparison(db: Lineage, submission: ComparisonSubmission): Promise<JobResource> {
  return db.prisma.$transaction(async (tx) => {
    const { one, other } = submission;
    const evaluations = [];
    for (const field of ['one', 'other'] as const) {
      const evaluation = await getEvaluation(tx, submission[field]);
      if (evaluation.outcome === null) {
        const message = `evaluation ${evaluation.id} is ${evaluation.state}: compare it when it is done`;
        throw new ErrataError('invalid_request', message, {
          errors: [{ code: 'invalid_request', field, pointer: `/${field}`, message }],
        });
      }
      evaluations.push(evaluation);
    }
    const id = newId('job');
    const lane = `comparison:${id}`;
    const modelId = evaluations[0]!.model_id;
    const sequence = await nextSequence(tx, lane);
    return enqueue(tx, submission, { id, kind: 'comparison', lane, sequence, modelId, input: { one, other } });
  });
}

/** Ends a search that is committing with what it found. `stale_epoch`. */
export async function commitSearch(
  db: Lineage,
  lease: Lease,
  commit: { readonly jobId: string; readonly result: BisectResult | BlameResult | ComparisonResult },
): Promise<void> {
  await failpoint('commit.before');
  const { jobId, result } = commit;
  await db.prisma.$transaction(async (tx) => {
    await holdLane(tx, lease);
    const { state, epoch } = await tx.job.findUniqueOrThrow({ where: { id: jobId } });
    if (state === 'succeeded' && epoch === lease.epoch) return; // committed by an earlier call whose answer was lost
    const done = await transition(tx, { jobId, from: ['committing'], to: 'succeeded', epoch: lease.epoch, result });
    if (done === null) throw staleJob(jobId, 'committing', state);
    await failpoint('commit.before_commit');
  });
  await failpoint('commit.after');
}
