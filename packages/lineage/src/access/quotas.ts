// What a project uses, read off its jobs, and whether there is room for more. Nothing is counted beside the truth.
import { ErrataError, isTerminal, jobStates, type ProjectResource, type Quota, type Quotas } from '@errata/contracts';
import type { Tx } from '../database/client.ts';
import { Prisma } from '../generated/client.ts';

const openStates = jobStates.filter((state) => !isTerminal(state));
const day = Prisma.sql`interval '24 hours'`;

/** Jobs of a project: of its models, and imports that will bring it one. */
const jobsOf = (project: string): Prisma.Sql => Prisma.sql`
  parent_job_id IS NULL AND (model_id IN (SELECT id FROM models WHERE project_id = ${project})
    OR (kind = 'import' AND model_id IS NULL AND input ->> 'project' = ${project}))`;

/** Edits that a job asks for. */
const asked = Prisma.sql`(input ->> 'edits')::integer`;
const ofLastDay = Prisma.sql`kind = 'edit' AND created_at > now() - ${day}`;

const counts: Readonly<Record<Quota, (tx: Tx, project: string) => Promise<number>>> = {
  open_jobs: (tx, project) =>
    single(tx, Prisma.sql`SELECT count(*) FROM jobs WHERE ${jobsOf(project)} AND state = ANY(${openStates})`),
  edits_per_day: (tx, project) =>
    single(tx, Prisma.sql`SELECT coalesce(sum(${asked}), 0) FROM jobs WHERE ${jobsOf(project)} AND ${ofLastDay}`),
};

async function single(tx: Tx, query: Prisma.Sql): Promise<number> {
  const [row] = await tx.$queryRaw<{ used: bigint }[]>`SELECT (${query}) AS used`;
  return Number(row!.used);
}

/** What is used of each quota now. */
export async function usageOf(tx: Tx, project: string): Promise<ProjectResource['usage']> {
  const [open_jobs, edits_per_day] = [await counts.open_jobs(tx, project), await counts.edits_per_day(tx, project)];
  return { open_jobs, edits_per_day };
}

interface Work {
  /** The id of the model that it is about. */
  readonly modelId?: string | null | undefined;
  /** The id of the project that it will bring a model to. */
  readonly project?: string | null | undefined;
}

/**
 * Looks whether a project has room for what is asked of it. Where it has quotas its row is locked until the transaction ends, so that of two
 * who come at once the second is told of the first.
 * @throws ErrataError `quota_used_up`, `quota_exceeded`
 */
export async function admit(
  tx: Tx,
  { modelId = null, project: given = null }: Work,
  wanted: Partial<Record<Quota, number>>,
): Promise<void> {
  const [project] = await tx.$queryRaw<Project[]>`/* prepared */
    SELECT id, name, quotas FROM projects
    WHERE id = coalesce(${given}, (SELECT project_id FROM models WHERE id = ${modelId})) AND quotas <> '{}'
    FOR NO KEY UPDATE`;
  if (project === undefined) return;
  for (const [quota, more] of Object.entries(wanted) as [Quota, number][]) {
    const bound = project.quotas[quota] ?? null;
    if (bound !== null && more > 0) await requireRoom(tx, project, quota, bound, more);
  }
}

interface Project {
  readonly id: string;
  readonly name: string;
  readonly quotas: Partial<Quotas>;
}

const called: Readonly<Record<Quota, string>> = {
  open_jobs: 'jobs that have not ended',
  edits_per_day: 'edits a day',
};

async function requireRoom(tx: Tx, project: Project, quota: Quota, bound: number, more: number): Promise<void> {
  const used = await counts[quota](tx, project.id);
  if (used + more <= bound) return;
  const details = { project: project.name, quota, limit: bound, used, asked: more };
  const whose = `project ${JSON.stringify(project.name)} may have ${bound} ${called[quota]}`;
  if (more > bound)
    throw new ErrataError('quota_exceeded', `${whose}, and this asks for ${more}: never so many at once`, { details });
  const frees = quota === 'edits_per_day' ? await whenEditsFree(tx, project.id, used + more - bound) : null;
  const when = frees === null ? 'when a job ends' : `at ${frees.toISOString()}`;
  const retry_after_seconds = frees === null ? 10 : Math.max(1, Math.ceil((frees.getTime() - Date.now()) / 1000));
  throw new ErrataError('quota_used_up', `${whose} and has ${used}: there is room for ${more} more ${when}`, {
    details: { ...details, retry_after_seconds, frees_at: frees?.toISOString() ?? null },
  });
}

/** When so many of the edits of the last day are a day old. */
async function whenEditsFree(tx: Tx, project: string, many: number): Promise<Date> {
  const [row] = await tx.$queryRaw<{ at: Date }[]>`
    SELECT created_at + ${day} AS at FROM (
      SELECT created_at, sum(${asked}) OVER (ORDER BY created_at, id) AS gone
      FROM jobs WHERE ${jobsOf(project)} AND ${ofLastDay}) AS jobs
    WHERE gone >= ${many} ORDER BY created_at LIMIT 1`;
  return row!.at;
}
