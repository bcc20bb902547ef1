// Upkeep jobs: checks and collections, one at a time, in a lane of their own.
import {
  type CheckReport,
  type CollectionReport,
  type HealthResource,
  isTerminal,
  type JobResource,
  jobStates,
} from '@errata/contracts';
import { failpoint } from '@errata/failpoints';
import type { Lineage } from '../database/client.ts';
import { holdLane, type Lease } from '../jobs/leases.ts';
import { enqueue, nextSequence, type Submission } from '../jobs/submit.ts';
import { staleJob, transition } from '../jobs/transitions.ts';

/** No two of them run at the same time: a collection must not take away what a check is looking at. */
export const upkeepLane = 'upkeep';

export interface CheckSubmission extends Submission {
  readonly content: boolean;
  readonly snapshots: boolean;
}

/** Queues a check of everything that is stored. */
export const submitCheck = (
  db: Lineage,
  { content, snapshots, ...submission }: CheckSubmission,
): Promise<JobResource> => submit(db, submission, 'check', { content, snapshots });

export interface CollectionSubmission extends Submission {
  readonly dry_run: boolean;
  readonly grace_hours: number;
}

/** Queues a collection of blobs that nothing names. */
export const submitCollection = (
  db: Lineage,
  { dry_run, grace_hours, ...submission }: CollectionSubmission,
): Promise<JobResource> => submit(db, submission, 'collection', { dry_run, grace_hours });

const submit = (
  db: Lineage,
  submission: Submission,
  kind: 'check' | 'collection',
  input: Readonly<Record<string, unknown>>,
): Promise<JobResource> =>
  db.prisma.$transaction(async (tx) =>
    enqueue(tx, submission, { kind, lane: upkeepLane, sequence: await nextSequence(tx, upkeepLane), input }),
  );

/** Ends an upkeep job that is committing with its report. `stale_epoch`. */
export async function commitReport(
  db: Lineage,
  lease: Lease,
  commit: {
    readonly jobId: string;
    readonly outcome: 'succeeded' | 'completed_with_errors';
    readonly report: CheckReport | CollectionReport;
  },
): Promise<void> {
  await failpoint('commit.before');
  const { jobId, outcome, report } = commit;
  await db.prisma.$transaction(async (tx) => {
    await holdLane(tx, lease);
    const { state, epoch } = await tx.job.findUniqueOrThrow({ where: { id: jobId } });
    if (state === outcome && epoch === lease.epoch) return; // committed by an earlier call whose answer was lost
    const done = await transition(tx, { jobId, from: ['committing'], to: outcome, epoch: lease.epoch, result: report });
    if (done === null) throw staleJob(jobId, 'committing', state);
    await failpoint('commit.before_commit');
  });
  await failpoint('commit.after');
}

const ended = jobStates.filter(isTerminal);

/** The last check that has ended, and the last collection that was no dry run; null where there was none. */
export async function lastUpkeep(db: Lineage): Promise<Pick<HealthResource, 'check' | 'collection'>> {
  const last = async (kind: 'check' | 'collection', input: object): Promise<HealthResource['check']> => {
    const job = await db.prisma.job.findFirst({
      where: { laneId: upkeepLane, kind, state: { in: ended }, ...input },
      orderBy: { sequence: 'desc' },
      select: { id: true, state: true, finishedAt: true },
    });
    if (job?.finishedAt == null) return null;
    return { job_id: job.id, state: job.state as JobResource['state'], at: job.finishedAt.toISOString() };
  };
  const [check, collection] = await Promise.all([
    last('check', {}),
    last('collection', { input: { path: ['dry_run'], equals: false } }),
  ]);
  return { check, collection };
}
