// What a project uses, and whether there is room for more. What grows without end is counted as it does, by triggers (prisma/migrations); tokens by whoever generates them.
import { ErrataError, isTerminal, jobStates, type ProjectResource, type Quota, type Quotas } from '@errata/contracts';
import { clientOf, type Lineage, type Tx } from '../database/client.ts';
import { Prisma } from '../generated/client.ts';

const day = Prisma.sql`interval '24 hours'`;

/** As an array that is read once, by which rows can be looked up. */
const modelsOf = (project: string): Prisma.Sql =>
  Prisma.sql`ANY(ARRAY(SELECT id FROM models WHERE project_id = ${project}))`;
/** Literally those of the index on open jobs. */
const open = Prisma.raw(
  `state IN (${jobStates
    .filter((state) => !isTerminal(state))
    .map((state) => `'${state}'`)
    .join(', ')})`,
);
/** Edits are counted by the ten minutes in which they were asked for, and count until the last of these is a day old. */
const askedFor = Prisma.sql`interval '10 minutes'`;
const editsOf = (project: string) =>
  Prisma.sql`asked_edits WHERE model_id = ${modelsOf(project)} AND since + ${askedFor} > now() - ${day}`;
const tokensOf = (project: string) =>
  Prisma.sql`generated_tokens WHERE project_id = ${project} AND hour > now() - ${day}`;

interface Rule {
  readonly called: string;
  readonly used: (project: string) => Prisma.Sql;
  /** When so many are free again, as the time or what has to happen. */
  readonly frees: ((project: string, many: number) => Prisma.Sql) | 'when a job ends' | 'when the quota is raised';
}

const rules: Readonly<Record<Quota, Rule>> = {
  open_jobs: {
    called: 'jobs that have not ended',
    // Those of its models, and imports that will bring it one.
    used: (
      project,
    ) => Prisma.sql`SELECT count(*) FROM jobs WHERE parent_job_id IS NULL AND ${open} AND (model_id = ${modelsOf(project)}
      OR (model_id IS NULL AND kind = 'import' AND input ->> 'project' = ${project}))`,
    frees: 'when a job ends',
  },
  edits_per_day: {
    called: 'edits a day',
    used: (project) => Prisma.sql`SELECT coalesce(sum(edits), 0) FROM ${editsOf(project)}`,
    frees: (project, many) =>
      firstPast(
        many,
        Prisma.sql`SELECT since + ${askedFor} AS at, sum(sum(edits)) OVER (ORDER BY since) AS gone FROM ${editsOf(project)} GROUP BY since`,
      ),
  },
  storage_mib: {
    called: 'MiB stored',
    used: (project) => Prisma.sql`SELECT ceil((
      (SELECT coalesce(sum(bytes), 0) FROM stored_bytes WHERE model_id = ${modelsOf(project)}) + (
        SELECT coalesce(sum((file ->> 'bytes')::bigint), 0) FROM models, jsonb_array_elements(files) AS file
        WHERE project_id = ${project})) / 1048576)`,
    frees: 'when the quota is raised',
  },
  tokens_per_day: {
    called: 'tokens a day',
    used: (project) => Prisma.sql`SELECT coalesce(sum(tokens), 0) FROM ${tokensOf(project)}`,
    frees: (project, many) =>
      firstPast(
        many,
        Prisma.sql`SELECT hour AS at, sum(tokens) OVER (ORDER BY hour) AS gone FROM ${tokensOf(project)}`,
      ),
  },
};

/** A day after the first of these times by which so many are gone. */
const firstPast = (many: number, running: Prisma.Sql): Prisma.Sql => Prisma.sql`
  SELECT at + ${day} AS at FROM (${running}) AS running WHERE gone >= ${many} ORDER BY at LIMIT 1`;

async function used(tx: Tx, project: string, quota: Quota): Promise<number> {
  const [row] = await tx.$queryRaw<{ used: unknown }[]>`SELECT (${rules[quota].used(project)}) AS used`;
  return Number(row!.used);
}

/** What is used of each quota now. */
export const usageOf = async (tx: Tx, project: string): Promise<ProjectResource['usage']> => ({
  open_jobs: await used(tx, project, 'open_jobs'),
  edits_per_day: await used(tx, project, 'edits_per_day'),
  storage_mib: await used(tx, project, 'storage_mib'),
  tokens_per_day: await used(tx, project, 'tokens_per_day'),
});

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
  const [project] = await tx.$queryRaw<Bounded[]>`/* prepared */
    SELECT id, name, quotas FROM projects
    WHERE id = coalesce(${given}, (SELECT project_id FROM models WHERE id = ${modelId})) AND quotas <> '{}'
    FOR NO KEY UPDATE`;
  if (project === undefined) return;
  for (const [quota, more] of Object.entries(wanted) as [Quota, number][]) await requireRoom(tx, project, quota, more);
}

/** A project, and those of its quotas that it has. */
export interface Bounded {
  readonly id: string;
  readonly name: string;
  readonly quotas: Partial<Quotas>;
}

/**
 * Looks whether a project may have more tokens generated. How many an answer takes is known when it is there: the last one may go past the quota.
 * @throws ErrataError `quota_used_up`, `quota_exceeded`
 */
export const admitTokens = (db: Lineage, project: Bounded): Promise<void> =>
  requireRoom(clientOf(db), project, 'tokens_per_day', 1);

/** Counts what was generated. */
export async function noteTokens(db: Lineage, { id }: Bounded, tokens: number): Promise<void> {
  await db.prisma.$executeRaw`/* prepared */
    INSERT INTO generated_tokens AS g (project_id, hour, tokens) VALUES (${id}, date_trunc('hour', now()), ${tokens})
    ON CONFLICT (project_id, hour) DO UPDATE SET tokens = g.tokens + excluded.tokens`;
}

async function requireRoom(tx: Tx, { id, name, quotas }: Bounded, quota: Quota, more: number): Promise<void> {
  const limit = quotas[quota] ?? null;
  if (limit === null || more === 0) return;
  const has = await used(tx, id, quota);
  if (has + more <= limit) return;
  const { called, frees } = rules[quota];
  const details = { project: name, quota, limit, used: has, asked: more };
  const whose = `project ${JSON.stringify(name)} may have ${limit} ${called}`;
  if (more > limit)
    throw new ErrataError('quota_exceeded', `${whose}, and this asks for ${more}: never so many at once`, { details });
  const room = `${whose} and has ${has}: there is room for ${more} more`;
  if (frees === 'when the quota is raised') throw new ErrataError('quota_exceeded', `${room} ${frees}`, { details });
  if (typeof frees === 'string')
    throw new ErrataError('quota_used_up', `${room} ${frees}`, {
      details: { ...details, frees_at: null, retry_after_seconds: 10 },
    });
  const [found] = await tx.$queryRaw<{ at: Date }[]>`${frees(id, has + more - limit)}`;
  const { at } = found!;
  const retry_after_seconds = Math.max(1, Math.ceil((at.getTime() - Date.now()) / 1000));
  throw new ErrataError('quota_used_up', `${room} at ${at.toISOString()}`, {
    details: { ...details, frees_at: at.toISOString(), retry_after_seconds },
  });
}
