// Events: the append-only story of a job, read from where one left off.
import { ErrataError, type JobEvent, type JobState, type Page } from '@errata/contracts';
import { clientOf, type Db, type Lineage } from '../database/client.ts';
import { numericCursor, type PageRequest, pageOf } from '../database/pages.ts';
import { readRecord } from '../database/stored.ts';

/** A job's events in order. The cursor is an event id, as in `Last-Event-ID`. `unknown_job`. */
export async function listEvents(db: Db, jobId: string, page: PageRequest = {}): Promise<Page<JobEvent>> {
  const client = clientOf(db);
  if ((await client.job.count({ where: { id: jobId } })) === 0)
    throw new ErrataError('unknown_job', `there is no job ${JSON.stringify(jobId)}`);
  const limit = page.limit ?? 20;
  const rows = await client.event.findMany({
    where: {
      jobId,
      ...(page.after === undefined ? {} : { id: { gt: numericCursor(page.after, Number.MAX_SAFE_INTEGER) } }),
    },
    orderBy: { id: 'asc' },
    take: limit + 1,
  });
  return pageOf(
    rows,
    limit,
    ({ id }) => String(id),
    (row): JobEvent => ({
      id: Number(row.id),
      job_id: row.jobId,
      type: row.type,
      state: row.state as JobState,
      data: readRecord(row.data, `event ${row.id}`),
      created_at: row.createdAt.toISOString(),
    }),
  );
}

/**
 * Notes progress on a job that is held under this epoch; false when it no longer is. The job's row is locked before the event draws
 * its id, for the order that {@link transition} relies on.
 */
export async function appendProgress(
  db: Lineage,
  lease: { readonly epoch: number; readonly lane: string },
  jobId: string,
  data: Readonly<Record<string, unknown>>,
): Promise<boolean> {
  const written = await db.prisma.$executeRaw`
    WITH held AS (
      SELECT id, state FROM jobs
      WHERE id = ${jobId} AND lane_id = ${lease.lane} AND epoch = ${lease.epoch}
        AND state IN ('running', 'evaluating', 'committing')
      FOR NO KEY UPDATE
    )
    INSERT INTO events (job_id, type, state, data)
    SELECT id, 'progress', state, ${JSON.stringify(data)}::jsonb FROM held`;
  return written === 1;
}
