// Reads that only the API needs.
import { type BranchResource, isTerminal, jobStates } from '@errata/contracts';
import type { Lineage } from '@errata/lineage';

const openStates = jobStates.filter((state) => !isTerminal(state));

/** The greatest event id of each of these jobs that has one. */
export async function latestEventIds(db: Lineage, jobIds: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const rows = await db.prisma.event.groupBy({
    by: ['jobId'],
    where: { jobId: { in: [...jobIds] } },
    _max: { id: true },
  });
  return new Map(rows.map(({ jobId, _max }) => [jobId, Number(_max.id)]));
}

/** How many jobs have not ended, by state. */
export async function countOpenJobs(db: Lineage): Promise<ReadonlyMap<string, number>> {
  const rows = await db.prisma.job.groupBy({ by: ['state'], where: { state: { in: openStates } }, _count: true });
  return new Map(rows.map(({ state, _count }) => [state, _count]));
}

/** How many jobs of an API key have not ended; a job with its shards counts once. */
export const countOpenJobsOf = (db: Lineage, keyId: string): Promise<number> =>
  db.prisma.job.count({ where: { createdBy: keyId, parentJobId: null, state: { in: openStates } } });

/** Name and head of every branch of these models, by model. */
export async function headsByModel(
  db: Lineage,
  modelIds: readonly string[],
): Promise<ReadonlyMap<string, readonly Pick<BranchResource, 'name' | 'head'>[]>> {
  const rows = await db.prisma.branch.findMany({
    where: { modelId: { in: [...modelIds] }, deletedAt: null },
    select: { modelId: true, name: true, headVersionId: true },
    orderBy: { name: 'asc' },
  });
  const heads = new Map<string, Pick<BranchResource, 'name' | 'head'>[]>(modelIds.map((id) => [id, []]));
  for (const { modelId, name, headVersionId } of rows) heads.get(modelId)?.push({ name, head: headVersionId });
  return heads;
}
