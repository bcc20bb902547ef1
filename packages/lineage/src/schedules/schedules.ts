// Schedules: made, changed, paused, deleted. When they run is in clock.ts, what a run does in run.ts.
import {
  type AuditAct,
  type Cron,
  complainOfWhen,
  ErrataError,
  isTerminal,
  jobStates,
  nextDue,
  type Page,
  prioritySchema,
  readGate,
  runCountsSchema,
  type ScheduleChange,
  type ScheduleResource,
  type ScheduleRun,
  type scheduleRequestSchema,
  scheduleRunSchema,
  scheduleSchema,
} from '@errata/contracts';
import { z } from 'zod';
import { noteAct } from '../audit/note.ts';
import {
  type Alongside,
  asJson,
  clientOf,
  type Db,
  isUniqueViolation,
  type Lineage,
  type Tx,
} from '../database/client.ts';
import { idFirst, newId } from '../database/ids.ts';
import { type PageRequest, pageOf } from '../database/pages.ts';
import { readMetadata, readStored, readStoredOrNull } from '../database/stored.ts';
import type {
  Branch as BranchRow,
  Prisma,
  ScheduleRun as RunRow,
  Schedule as ScheduleRow,
} from '../generated/client.ts';
import { findBranchById } from '../names/branches.ts';
import { countWaiting } from './inbox.ts';

/** What goes into a batch, and what the batch's job is asked: the part of a schedule that only its runs read. */
export type SchedulePolicy = Pick<
  ScheduleResource,
  | 'batch_size'
  | 'order'
  | 'group_by_subject'
  | 'on_contradiction'
  | 'overlap'
  | 'catch_up_seconds'
  | 'budget'
  | 'editor'
  | 'config'
  | 'seed'
  | 'on_error'
  | 'priority'
  | 'gate'
>;

const storedPolicySchema = scheduleSchema
  .pick({
    batch_size: true,
    order: true,
    group_by_subject: true,
    on_contradiction: true,
    overlap: true,
    catch_up_seconds: true,
    budget: true,
    editor: true,
    config: true,
    seed: true,
    on_error: true,
  })
  // Schedules of earlier builds have no priority.
  .extend({ gate: z.unknown(), priority: prioritySchema });

export function policyOf({ id, policy }: Pick<ScheduleRow, 'id' | 'policy'>): SchedulePolicy {
  const { gate = null, ...rest } = readStored(storedPolicySchema, policy, `the settings of ${id}`);
  return { ...rest, gate: gate === null ? null : readGate(gate) };
}

export const cronOf = (row: Pick<ScheduleRow, 'cron' | 'timeZone'>): Cron | null =>
  row.cron === null ? null : { pattern: row.cron, time_zone: row.timeZone };

export type NewSchedule = Omit<z.output<typeof scheduleRequestSchema>, 'model' | 'branch'> & {
  readonly branch_id: string;
  /** Id of the API key. */
  readonly owner: string | null;
};

/** Creates a schedule. `unknown_branch`, `name_taken`. */
export async function createSchedule(
  db: Lineage,
  schedule: NewSchedule,
  alongside?: Alongside<ScheduleResource>,
): Promise<ScheduleResource> {
  const { branch_id, owner, name, cron, time_zone, when_pending, metadata, paused, ...policy } = schedule;
  return named(name, () =>
    db.prisma.$transaction(async (tx) => {
      const branch = await findBranchById(tx, branch_id);
      const now = await clock(tx);
      const row = await tx.schedule.create({
        data: {
          id: newId('schedule'),
          name,
          modelId: branch.modelId,
          branchId: branch_id,
          cron,
          timeZone: time_zone,
          whenPending: when_pending,
          policy: asJson(policy satisfies SchedulePolicy),
          metadata: asJson(metadata),
          owner,
          nextDueAt: paused || cron === null ? null : nextDue({ pattern: cron, time_zone }, now),
          pausedAt: paused ? now : null,
          createdAt: now,
          updatedAt: now,
        },
      });
      const created = await describe(tx, { ...row, branch });
      await noteSchedule(tx, 'schedule.created', row, owner);
      await alongside?.(tx, created);
      return created;
    }),
  );
}

/** By name or id. `unknown_schedule`, also once it is deleted. */
export async function getSchedule(db: Db, nameOrId: string): Promise<ScheduleResource> {
  return describe(db, await findSchedule(db, nameOrId));
}

type ScheduleWithBranch = ScheduleRow & { branch: BranchRow };

async function findSchedule(db: Db, nameOrId: string): Promise<ScheduleWithBranch> {
  const found = await clientOf(db).schedule.findMany({
    where: { OR: [{ id: nameOrId }, { name: nameOrId }], deletedAt: null },
    include: { branch: true },
  });
  const row = idFirst(found, nameOrId);
  if (row === null) throw new ErrataError('unknown_schedule', `there is no schedule ${JSON.stringify(nameOrId)}`);
  return row;
}

/** Schedules by name. The cursor is a name. */
export async function listSchedules(
  db: Db,
  filter: { readonly branch_id?: string | undefined; readonly model_ids?: readonly string[] | undefined } = {},
  page: PageRequest = {},
): Promise<Page<ScheduleResource>> {
  const limit = page.limit ?? 20;
  const rows = await clientOf(db).schedule.findMany({
    where: {
      deletedAt: null,
      ...(filter.branch_id === undefined ? {} : { branchId: filter.branch_id }),
      ...(filter.model_ids === undefined ? {} : { modelId: { in: [...filter.model_ids] } }),
      ...(page.after === undefined ? {} : { name: { gt: page.after } }),
    },
    include: { branch: true },
    orderBy: { name: 'asc' },
    take: limit + 1,
  });
  const described: ScheduleResource[] = [];
  for (const row of rows) described.push(await describe(db, row));
  return pageOf(
    described,
    limit,
    ({ name }) => name,
    (schedule) => schedule,
  );
}

/**
 * Changes what is given; from now on runs submit in the name of `owner`. Ticks that were due before are forgotten when cron or its time
 * zone change. `unknown_schedule`, `name_taken`, `invalid_request` when the whole no longer says when to run.
 */
export async function changeSchedule(
  db: Lineage,
  nameOrId: string,
  change: ScheduleChange,
  owner: string | null,
): Promise<ScheduleResource> {
  const { name, cron, time_zone, when_pending, metadata, ...policy } = change;
  return named(name ?? nameOrId, () =>
    changing(db, nameOrId, async (tx, row, now) => {
      const when = {
        cron: cron === undefined ? row.cron : cron,
        time_zone: time_zone ?? row.timeZone,
        when_pending: when_pending === undefined ? row.whenPending : when_pending,
      };
      const complaint = complainOfWhen(when);
      if (complaint !== null) {
        throw new ErrataError('invalid_request', `body: ${complaint.message}`, {
          errors: [{ code: 'invalid_request', ...complaint, pointer: `/${complaint.field}` }],
        });
      }
      const moved = when.cron !== row.cron || when.time_zone !== row.timeZone;
      const given = Object.fromEntries(Object.entries(policy).filter(([, value]) => value !== undefined));
      await tx.schedule.update({
        where: { id: row.id },
        data: {
          ...(name === undefined ? {} : { name }),
          ...(metadata === undefined ? {} : { metadata: asJson(metadata) }),
          cron: when.cron,
          timeZone: when.time_zone,
          whenPending: when.when_pending,
          // As it is stored: what this build does not understand of it stays.
          policy: asJson({ ...(row.policy as object), ...given }),
          owner,
          notBefore: null,
          ...(moved && row.pausedAt === null ? { nextDueAt: dueAfter(when, now) } : {}),
          ...(when.cron === null ? { bufferedDueAt: null } : {}),
        },
      });
      await noteSchedule(tx, 'schedule.changed', row, owner);
    }),
  );
}

/** Stops a schedule from running by itself; what it has submitted goes on. A tick that was waiting is forgotten. */
export const pauseSchedule = (db: Lineage, nameOrId: string): Promise<ScheduleResource> =>
  changing(db, nameOrId, async (tx, row, now) => {
    if (row.pausedAt !== null) return;
    const data = { pausedAt: now, nextDueAt: null, bufferedDueAt: null };
    await tx.schedule.update({ where: { id: row.id }, data });
    await noteSchedule(tx, 'schedule.paused', row);
  });

/** Lets it run again from now on: ticks that passed meanwhile are not made up for. */
export const resumeSchedule = (db: Lineage, nameOrId: string): Promise<ScheduleResource> =>
  changing(db, nameOrId, async (tx, row, now) => {
    if (row.pausedAt === null) return;
    const nextDueAt = dueAfter({ cron: row.cron, time_zone: row.timeZone }, now);
    await tx.schedule.update({ where: { id: row.id }, data: { pausedAt: null, notBefore: null, nextDueAt } });
    await noteSchedule(tx, 'schedule.resumed', row);
  });

/** Deletes a schedule: it is seen no more and runs no more; its runs and what they submitted stay. */
export async function deleteSchedule(db: Lineage, nameOrId: string): Promise<{ readonly id: string }> {
  return db.prisma.$transaction(async (tx) => {
    const row = await lockSchedule(tx, nameOrId);
    const { id } = row;
    const now = await clock(tx);
    const data = { deletedAt: now, updatedAt: now, nextDueAt: null, bufferedDueAt: null };
    await tx.schedule.update({ where: { id }, data });
    await noteSchedule(tx, 'schedule.deleted', row);
    return { id };
  });
}

const noteSchedule = (
  tx: Tx,
  act: Extract<AuditAct, `schedule.${string}`>,
  { id, modelId, branchId, name }: ScheduleRow,
  by?: string | null,
): Promise<void> => noteAct(tx, { act, subject: id, model: modelId, details: { name, branch_id: branchId }, by });

const dueAfter = (when: { readonly cron: string | null; readonly time_zone: string }, now: Date): Date | null =>
  when.cron === null ? null : nextDue({ pattern: when.cron, time_zone: when.time_zone }, now);

async function changing(
  db: Lineage,
  nameOrId: string,
  work: (tx: Tx, row: ScheduleWithBranch, now: Date) => Promise<void>,
): Promise<ScheduleResource> {
  return db.prisma.$transaction(async (tx) => {
    const row = await lockSchedule(tx, nameOrId);
    const now = await clock(tx);
    await work(tx, row, now);
    await tx.schedule.update({ where: { id: row.id }, data: { updatedAt: now } });
    return getSchedule(tx, row.id);
  });
}

/** Locks a schedule's row until the transaction ends: no run of it begins meanwhile. `unknown_schedule`. */
export async function lockSchedule(tx: Tx, nameOrId: string): Promise<ScheduleWithBranch> {
  await tx.$queryRaw`
    SELECT id FROM schedules WHERE (id = ${nameOrId} OR name = ${nameOrId}) AND deleted_at IS NULL FOR NO KEY UPDATE`;
  return findSchedule(tx, nameOrId);
}

/** Only the database's clock counts. */
export async function clock(tx: Tx): Promise<Date> {
  const [row] = await tx.$queryRaw<{ now: Date }[]>`SELECT date_trunc('milliseconds', clock_timestamp()) AS now`;
  return row!.now;
}

async function named<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    throw new ErrataError('name_taken', `there already is a schedule ${JSON.stringify(name)}`);
  }
}

/** States in which a job of a schedule has not ended. */
export const openStates = jobStates.filter((state) => !isTerminal(state));

/** The order of runs. A run that waited for an open job was due before others that started earlier. */
export const latestFirst = [
  { startedAt: 'desc' },
  { id: 'desc' },
] satisfies Prisma.ScheduleRunOrderByWithRelationInput[];

/** A schedule's runs, the one that started last first. The cursor is the id of one. `unknown_schedule`. */
export async function listRuns(db: Db, nameOrId: string, page: PageRequest = {}): Promise<Page<ScheduleRun>> {
  const { id } = await findSchedule(db, nameOrId);
  const limit = page.limit ?? 20;
  const rows = await clientOf(db).scheduleRun.findMany({
    where: { scheduleId: id },
    include: { job: { select: { state: true } } },
    orderBy: latestFirst,
    take: limit + 1,
    ...(page.after === undefined ? {} : { cursor: { id: page.after }, skip: 1 }),
  });
  return pageOf(rows, limit, (row) => row.id, runResource);
}

export const runResource = (row: RunRow & { job: { state: string } | null }): ScheduleRun => ({
  id: row.id,
  object: 'schedule_run',
  schedule_id: row.scheduleId,
  trigger: row.trigger as ScheduleRun['trigger'],
  due_at: row.dueAt.toISOString(),
  started_at: row.startedAt.toISOString(),
  outcome: row.outcome as ScheduleRun['outcome'],
  reason: row.reason as ScheduleRun['reason'],
  counts: readStored(runCountsSchema, row.counts, `the counts of ${row.id}`),
  job_id: row.jobId,
  job_state: (row.job?.state ?? null) as ScheduleRun['job_state'],
  error: readStoredOrNull(scheduleRunSchema.shape.error.unwrap(), row.error, `the error of ${row.id}`),
});

async function describe(db: Db, row: ScheduleWithBranch): Promise<ScheduleResource> {
  const last = await clientOf(db).scheduleRun.findFirst({
    where: { scheduleId: row.id },
    include: { job: { select: { state: true } } },
    orderBy: latestFirst,
  });
  return {
    id: row.id,
    object: 'schedule',
    name: row.name,
    model_id: row.modelId,
    branch_id: row.branchId,
    branch: row.branch.name,
    cron: row.cron,
    time_zone: row.timeZone,
    when_pending: row.whenPending,
    ...policyOf(row),
    metadata: readMetadata(row.metadata, `the metadata of ${row.id}`),
    paused: row.pausedAt !== null,
    next_due_at: row.nextDueAt?.toISOString() ?? null,
    buffered_due_at: row.bufferedDueAt?.toISOString() ?? null,
    ...(await countWaiting(db, row.branchId)),
    last_run: last === null ? null : runResource(last),
    owner: row.owner,
    created_at: row.createdAt.toISOString(),
    updated_at: row.updatedAt.toISOString(),
  };
}
