// A run of a schedule: one transaction decides a tick, draws edits from the inbox and submits them as one job. Once, whoever asks and however often.
import {
  complainOfCron,
  ErrataError,
  editSchema,
  elapsed,
  needsOfJob,
  nextDue,
  type RunCounts,
  type RunTrigger,
  type ScheduleRun,
  type SkipReason,
  unmetNeed,
} from '@errata/contracts';
import { failpoint } from '@errata/failpoints';
import { type Alongside, asJson, type Lineage, type Tx } from '../database/client.ts';
import { newId } from '../database/ids.ts';
import { readStored } from '../database/stored.ts';
import { submitEditJobWithin } from '../jobs/submit.ts';
import { branchLane } from '../names/branches.ts';
import { announce } from '../webhooks/announce.ts';
import { budgetOf, nextDay } from './budget.ts';
import { type Draw, type PutAside, planDraw, type WaitingEdit } from './draw.ts';
import { lockInbox } from './inbox.ts';
import { clock, cronOf, latestFirst, lockSchedule, openStates, policyOf, runResource } from './schedules.ts';

type Schedule = Awaited<ReturnType<typeof lockSchedule>>;

export type Tick =
  | {
      readonly kind: 'ran';
      readonly run: ScheduleRun /** To be woken, when a job was submitted. */;
      readonly lane: string | null;
    }
  /** The tick waits for the job of an earlier run. */
  | { readonly kind: 'buffered' }
  /** Nothing to decide. */
  | { readonly kind: 'not_due' };

/** After a run that failed, waiting edits do not cause another one for so long. */
const pauseAfterFailureMs = 5 * 60_000;

/**
 * Decides whatever is due of a schedule. With `manual`, a run is due now, also while the schedule is paused. A run that cannot be
 * submitted is kept as failed with its reason. `unknown_schedule`; what a retry can mend is thrown, and nothing is decided then.
 */
export async function runSchedule(
  db: Lineage,
  nameOrId: string,
  trigger?: 'manual',
  alongside?: Alongside<Tick>,
): Promise<Tick> {
  await failpoint('schedule.before');
  const decided = (refusal?: ErrataError) =>
    db.prisma.$transaction(async (tx) => {
      const tick = await decide(tx, nameOrId, trigger, refusal);
      await alongside?.(tx, tick);
      return tick;
    });
  const tick = await decided().catch((thrown: unknown) => {
    // A refusal has undone the transaction: what is left to do is to say so.
    if (!(thrown instanceof ErrataError) || thrown.retryable || thrown.code === 'unknown_schedule') throw thrown;
    return decided(thrown);
  });
  await failpoint('schedule.after');
  return tick;
}

/** A moment at which a run is due, and why. */
interface Due {
  readonly trigger: RunTrigger;
  readonly at: Date;
  /** Earlier ticks that it stands for. */
  readonly missed: number;
  /** Noticed only after the time in which a tick is made up for. */
  readonly tooLate: boolean;
  /** Nothing can be run: the expression that is stored is none. */
  readonly refusal?: ErrataError;
  /** What changes in the schedule's row once it is decided. */
  readonly moves: {
    readonly nextDueAt?: Date | null;
    readonly bufferedDueAt?: Date | null;
    readonly pausedAt?: Date;
  };
}

const nothing: RunCounts = { pending: 0, drawn: 0, superseded: 0, refused: 0, held: 0, left: 0, missed: 0 };

async function decide(tx: Tx, nameOrId: string, trigger?: 'manual', refusal?: ErrataError): Promise<Tick> {
  const locked = await lockSchedule(tx, nameOrId);
  await failpoint('schedule.after_lock');
  const now = await clock(tx);
  const schedule = await startedAgain(tx, locked, now);
  const open = await hasOpenJob(tx, schedule.id);
  const due = await whatIsDue(tx, schedule, now, open, trigger);
  if (due === null) return { kind: 'not_due' };
  const policy = policyOf(schedule);
  const missed = { ...nothing, missed: due.missed };
  const skip = (reason: SkipReason, notBefore?: Date) =>
    finish(tx, schedule, due, { outcome: 'skipped', reason, counts: missed }, notBefore);

  const fail = ({ code, message }: ErrataError) => {
    const ending: Ending = { outcome: 'failed', error: { code, message }, counts: missed };
    return finish(tx, schedule, due, ending, new Date(now.getTime() + pauseAfterFailureMs));
  };
  if (due.refusal !== undefined) return fail(due.refusal);
  if (due.tooLate) return skip('missed');
  if (open) {
    const waits = policy.overlap === 'buffer_one' && schedule.bufferedDueAt === null && schedule.pausedAt === null;
    if (!waits) return skip('overlap');
    await tx.schedule.update({ where: { id: schedule.id }, data: { ...due.moves, bufferedDueAt: due.at } });
    return { kind: 'buffered' };
  }
  if (refusal !== undefined) return fail(refusal);
  const limit = Math.min(policy.batch_size, await budgetOf(tx, schedule, policy.budget, now));
  if (limit === 0) return skip('budget', await nextDay(tx, schedule, now));
  return draw(tx, schedule, due, limit);
}

/** Takes edits out of the inbox and submits them: the part of a run that does something. */
async function draw(tx: Tx, schedule: Schedule, due: Due, limit: number): Promise<Tick> {
  await lockInbox(tx, schedule.branchId);
  const waiting = await readWaiting(tx, schedule.branchId);
  const plan = planDraw(waiting, policyOf(schedule), limit);
  await failpoint('schedule.after_draw');
  const id = newId('run');
  const counts: RunCounts = {
    pending: waiting.length,
    drawn: plan.drawn.length,
    superseded: plan.superseded.length,
    refused: plan.refused.length,
    held: plan.held.length,
    left: plan.left,
    missed: due.missed,
  };
  const job = plan.drawn.length === 0 ? null : await submit(tx, schedule, id, plan.drawn);
  await failpoint('schedule.after_submit');
  const ending: Ending = job === null ? { outcome: 'empty', counts } : { outcome: 'submitted', counts, jobId: job };
  const tick = await finish(tx, schedule, due, { id, ...ending });
  await settleInbox(tx, waiting, plan, id, job);
  await failpoint('schedule.before_commit');
  return tick;
}

/** Gives one whose cron has no next time, though nothing stops it, the next one from now on. Earlier readers of cron gave up on some. */
async function startedAgain(tx: Tx, schedule: Schedule, now: Date): Promise<Schedule> {
  const cron = cronOf(schedule);
  if (cron === null || schedule.nextDueAt !== null || schedule.pausedAt !== null) return schedule;
  const nextDueAt = complainOfCron(cron) === null ? nextDue(cron, now) : now;
  await tx.schedule.update({ where: { id: schedule.id }, data: { nextDueAt } });
  return { ...schedule, nextDueAt };
}

/** Whether the job that it submitted last has not ended. Those before it had, or it would not have been submitted. */
async function hasOpenJob(tx: Tx, scheduleId: string): Promise<boolean> {
  const latest = await tx.scheduleRun.findFirst({
    where: { scheduleId, jobId: { not: null } },
    select: { job: { select: { state: true } } },
    orderBy: latestFirst,
  });
  return openStates.some((state) => state === latest?.job?.state);
}

async function whatIsDue(tx: Tx, schedule: Schedule, now: Date, open: boolean, manual?: 'manual'): Promise<Due | null> {
  const { id, branchId, nextDueAt, bufferedDueAt, whenPending, notBefore } = schedule;
  const onTime = { missed: 0, tooLate: false, moves: {} };
  if (manual !== undefined) return { ...onTime, trigger: manual, at: await freshTime(tx, id, now) };
  if (schedule.pausedAt !== null || schedule.branch.deletedAt !== null) return null;
  // However long it had to wait: it was noticed in time.
  if (bufferedDueAt !== null && !open)
    return { ...onTime, trigger: triggerOf(bufferedDueAt), at: bufferedDueAt, moves: { bufferedDueAt: null } };
  const cron = cronOf(schedule);
  if (cron !== null && nextDueAt !== null && nextDueAt <= now) {
    const complaint = complainOfCron(cron);
    if (complaint !== null) {
      const refusal = new ErrataError(
        'invalid_request',
        `cron: ${complaint}; the schedule is paused until it is changed and resumed`,
      );
      return { ...onTime, trigger: 'cron', at: nextDueAt, refusal, moves: { nextDueAt: null, pausedAt: now } };
    }
    const { last, count, next } = elapsed(cron, nextDueAt, now);
    const tooLate = now.getTime() - last.getTime() > policyOf(schedule).catch_up_seconds * 1000;
    return { trigger: 'cron', at: last, missed: count - 1, tooLate, moves: { nextDueAt: next } };
  }
  if (whenPending === null || open || (notBefore !== null && notBefore > now)) return null;
  const pending = await tx.inboxEdit.count({ where: { branchId, state: 'pending' } });
  return pending < whenPending ? null : { ...onTime, trigger: 'pending', at: await freshTime(tx, id, now) };
}

/** What made a tick that waits. Ticks that come by number do not wait, and {@link freshTime} is never on a whole second. */
const triggerOf = (bufferedDueAt: Date): RunTrigger => (bufferedDueAt.getTime() % 1000 === 0 ? 'cron' : 'manual');

/** Now, or just after the last run that was due: each has a time of its own, which cron, due on whole seconds, never has. */
async function freshTime(tx: Tx, scheduleId: string, now: Date): Promise<Date> {
  const { _max: last } = await tx.scheduleRun.aggregate({ where: { scheduleId }, _max: { dueAt: true } });
  const free = Math.max(now.getTime(), (last.dueAt?.getTime() ?? 0) + 1);
  return new Date(free % 1000 === 0 ? free + 1 : free);
}

interface Ending {
  readonly id?: string;
  readonly outcome: ScheduleRun['outcome'];
  readonly reason?: SkipReason;
  readonly counts: RunCounts;
  readonly jobId?: string;
  readonly error?: NonNullable<ScheduleRun['error']>;
}

/** Writes the run down and moves the schedule past it. Before `notBefore`, waiting edits do not cause another one. */
async function finish(tx: Tx, schedule: Schedule, due: Due, ending: Ending, notBefore?: Date): Promise<Tick> {
  const { id = newId('run'), outcome, reason, counts, jobId, error } = ending;
  const row = await tx.scheduleRun.create({
    data: {
      id,
      scheduleId: schedule.id,
      dueAt: due.at,
      trigger: due.trigger,
      outcome,
      reason: reason ?? null,
      counts: asJson(counts),
      jobId: jobId ?? null,
      ...(error === undefined ? {} : { error: asJson(error) }),
    },
    include: { job: { select: { state: true } } },
  });
  await tx.schedule.update({ where: { id: schedule.id }, data: { ...due.moves, notBefore: notBefore ?? null } });
  const run = runResource(row);
  // Ticks that nobody noticed in time, be they skipped or made up for by this one, and runs that could not submit.
  if (run.reason === 'missed' || run.counts.missed > 0 || run.outcome === 'failed') {
    const { modelId: model_id, branchId: branch_id, name } = schedule;
    await announce(tx, 'schedule.missed', model_id, { schedule_id: schedule.id, name, model_id, branch_id, run });
  }
  return { kind: 'ran', run, lane: jobId === undefined ? null : branchLane(schedule.branchId) };
}

async function readWaiting(tx: Tx, branchId: string): Promise<readonly (WaitingEdit & { readonly state: string })[]> {
  return tx.$queryRaw<(WaitingEdit & { readonly state: string })[]>`
    SELECT id, sequence, priority, subject, questions, answer, state FROM inbox_edits
    WHERE branch_id = ${branchId} AND state IN ('pending', 'held') ORDER BY sequence`;
}

/** Submits as POST /v1/edit_jobs does, in the name and with the rights of the schedule's owner. */
async function submit(tx: Tx, schedule: Schedule, runId: string, drawn: readonly string[]): Promise<string> {
  await requireOwner(tx, schedule);
  const rows = await tx.inboxEdit.findMany({ where: { id: { in: [...drawn] } }, select: { id: true, payload: true } });
  const payloads = new Map(rows.map(({ id, payload }) => [id, readStored(editSchema, payload, `edit ${id}`)]));
  const { editor, config, seed, on_error, gate, priority } = policyOf(schedule);
  const [strange] = gate?.not_understood ?? [];
  if (strange !== undefined) {
    const message = `the gate of the schedule cannot be read: ${strange.name}: ${strange.why}; change it, and it runs again`;
    throw new ErrataError('unreadable_record', message, { details: { rule: strange.name } });
  }
  const job = await submitEditJobWithin(tx, {
    model: schedule.modelId,
    branch: schedule.branch.name,
    edits: drawn.map((id) => payloads.get(id)!),
    editor: editor ?? undefined,
    config,
    seed,
    on_error,
    on_conflict: 'rebase',
    gate: gate ?? undefined,
    priority,
    metadata: { schedule_id: schedule.id, schedule_run_id: runId },
    created_by: schedule.owner,
  });
  return job.id;
}

/** `unauthorized` when the owner's key was revoked, `missing_scope` when it may not have what the run submits. */
async function requireOwner(tx: Tx, schedule: Schedule): Promise<void> {
  if (schedule.owner === null) return;
  const key = await tx.apiKey.findUnique({ where: { id: schedule.owner } });
  const mend = 'change the schedule with a key that may, and it runs in the name of that one';
  if (key === null || key.revokedAt !== null)
    throw new ErrataError('unauthorized', `the API key in whose name the schedule runs has been revoked: ${mend}`);
  const { gate } = policyOf(schedule);
  const unmet = unmetNeed(key.scopes, needsOfJob({ kind: 'edit', input: { gate } }));
  if (unmet !== null) {
    const message = `the API key in whose name the schedule runs lacks ${unmet.scope}${unmet.why}: ${mend}`;
    throw new ErrataError('missing_scope', message, { details: { scope: unmet.scope } });
  }
}

async function settleInbox(
  tx: Tx,
  waiting: readonly { readonly id: string; readonly state: string }[],
  plan: Draw,
  runId: string,
  jobId: string | null,
): Promise<void> {
  if (jobId !== null) {
    await tx.inboxEdit.updateMany({
      where: { id: { in: [...plan.drawn] } },
      data: { state: 'batched', jobId, runId },
    });
  }
  await failpoint('schedule.after_batch');
  const otherwise = 'answers the same question otherwise';
  await putAside(tx, 'superseded', plan.superseded, `is newer and ${otherwise}`, runId);
  await putAside(tx, 'refused', plan.refused, otherwise, runId);
  await putAside(tx, 'held', plan.held, `${otherwise}: keep one of them`, null);
  // What was held and is contradicted no longer waits like the others.
  const held = new Set(plan.held.map(({ id }) => id));
  const freed = waiting.filter(({ id, state }) => state === 'held' && !held.has(id)).map(({ id }) => id);
  await tx.$executeRaw`UPDATE inbox_edits SET state = 'pending', reason = NULL WHERE id = ANY(${freed}) AND state = 'held'`;
}

async function putAside(
  tx: Tx,
  state: string,
  aside: readonly PutAside[],
  why: string,
  runId: string | null,
): Promise<void> {
  if (aside.length === 0) return;
  await tx.$executeRaw`
    UPDATE inbox_edits SET state = ${state}, run_id = ${runId},
      superseded_by = CASE WHEN ${state} = 'superseded' THEN given.rival END,
      reason = jsonb_build_object('code', 'contradictory_edits', 'message', given.rival || ' ' || ${why})
    FROM jsonb_to_recordset(${JSON.stringify(aside)}::jsonb) AS given(id text, rival text)
    WHERE inbox_edits.id = given.id`;
}
