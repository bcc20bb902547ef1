// Reads that only the API needs.
import { isTerminal, jobStates, type ReferenceKind } from '@errata/contracts';
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

/** Since when the queued job that has waited longest has been waiting; null where none is. */
export async function waitingSince(db: Lineage): Promise<Date | null> {
  const { _min } = await db.prisma.job.aggregate({ where: { state: 'queued' }, _min: { createdAt: true } });
  return _min.createdAt;
}

/** How many jobs of an API key have not ended; a job with its shards counts once. */
export const countOpenJobsOf = (db: Lineage, keyId: string): Promise<number> =>
  db.prisma.job.count({ where: { createdBy: keyId, parentJobId: null, state: { in: openStates } } });

/** A name within a model, and the version it stands for now. */
export interface NamedVersion {
  readonly kind: ReferenceKind;
  readonly name: string;
  readonly version: string;
}

/** Every branch, alias and tag of these models, by model: branches first, each kind by name. */
export async function namesByModel(
  db: Lineage,
  modelIds: readonly string[],
): Promise<ReadonlyMap<string, readonly NamedVersion[]>> {
  const where = { modelId: { in: [...modelIds] }, deletedAt: null };
  const orderBy = { name: 'asc' } as const;
  const [branches, aliases, tags] = await Promise.all([
    db.prisma.branch.findMany({ where, orderBy, select: { modelId: true, name: true, headVersionId: true } }),
    db.prisma.alias.findMany({ where, orderBy, select: { modelId: true, name: true, versionId: true } }),
    db.prisma.tag.findMany({ where, orderBy, select: { modelId: true, name: true, versionId: true } }),
  ]);
  const names = new Map<string, NamedVersion[]>(modelIds.map((id) => [id, []]));
  for (const { modelId, name, headVersionId } of branches)
    names.get(modelId)?.push({ kind: 'branch', name, version: headVersionId });
  for (const { modelId, name, versionId } of aliases)
    names.get(modelId)?.push({ kind: 'alias', name, version: versionId });
  for (const { modelId, name, versionId } of tags) names.get(modelId)?.push({ kind: 'tag', name, version: versionId });
  return names;
}
