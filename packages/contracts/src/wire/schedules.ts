// Schedules: when the inbox of a branch becomes a batch, what goes into it, and what each run came to.
import { z } from 'zod';
import { complainOfCron } from '../time/cron.ts';
import { onErrorChoices } from './edit-jobs.ts';
import { textLimits } from './edits.ts';
import { gatePolicySchema, storedGateSchema } from './gate.ts';
import {
  configSchema,
  editorNameSchema,
  largestInteger,
  metadataSchema,
  nameOrIdSchema,
  nameSchema,
  prioritySchema,
  storedMetadataSchema,
} from './resource-parts.ts';
import { jobStates } from './states.ts';

/** `arrival`: first come, first served; `priority`: greatest first, then by arrival. */
export const inboxOrders = ['arrival', 'priority'] as const;
/** What happens to waiting edits that give one question different answers. */
export const contradictionPolicies = ['newest_wins', 'refuse', 'ask'] as const;
/** What happens to a tick while the job of an earlier run has not ended. */
export const overlapPolicies = ['skip', 'buffer_one'] as const;
export type InboxOrder = (typeof inboxOrders)[number];
export type ContradictionPolicy = (typeof contradictionPolicies)[number];
export type OverlapPolicy = (typeof overlapPolicies)[number];

const day = 86_400;

export const scheduleBudgetSchema = z.strictObject({
  /** Edits that runs may take in one calendar day of the schedule's time zone. */
  edits_per_day: z.int().min(1).max(largestInteger).optional(),
  /** Runs are cut so that their job should take no longer, judged by how long edits took lately. */
  minutes_per_run: z.number().positive().max(1440).optional(),
  /** No run starts once the jobs of the day have taken this long. */
  minutes_per_day: z.number().positive().max(1440).optional(),
});
export type ScheduleBudget = z.output<typeof scheduleBudgetSchema>;

/** What may be changed later; defaults are set where a schedule is created. */
const settings = {
  cron: z.string().max(200).nullable().describe('Five fields (minute hour day month weekday), or six, seconds first'),
  time_zone: z.string().max(100).describe('An IANA time zone, for cron and for the days of the budget'),
  when_pending: z.int().min(1).max(textLimits.batch).nullable().describe('Run as soon as so many edits wait'),
  batch_size: z.int().min(1).max(textLimits.batch).describe('Edits in one run at most'),
  order: z.enum(inboxOrders),
  group_by_subject: z.boolean().describe('Edits of one subject go into the same batch, side by side'),
  on_contradiction: z.enum(contradictionPolicies),
  overlap: z.enum(overlapPolicies),
  catch_up_seconds: z
    .int()
    .min(60)
    .max(31 * day)
    .describe('A tick that was missed is made up for, once, when it is noticed within this time'),
  budget: scheduleBudgetSchema,
  editor: editorNameSchema.nullable().describe("The branch's default editor when null"),
  config: configSchema,
  seed: z.int().min(0).max(0xffff_ffff),
  on_error: z.enum(onErrorChoices).describe('What an edit that cannot be applied does to its batch'),
  gate: gatePolicySchema.nullable().describe("Replaces the branch's gate; needs the scope `admin`"),
  priority: prioritySchema.unwrap().describe('Of the jobs that its runs submit'),
  metadata: metadataSchema,
};

type When = { cron: string | null; time_zone: string; when_pending: number | null };

/** Complains where the settings as a whole do not say when to run, or say it wrongly. */
export function complainOfWhen(when: When): { readonly field: 'cron' | 'time_zone'; readonly message: string } | null {
  if (when.cron === null && when.when_pending === null) {
    return { field: 'cron', message: 'give cron, when_pending or both: a schedule must know when to run' };
  }
  const zone = complainOfCron({ pattern: '* * * * *', time_zone: when.time_zone });
  if (zone !== null) return { field: 'time_zone', message: zone };
  const cron = when.cron === null ? null : complainOfCron({ pattern: when.cron, time_zone: when.time_zone });
  return cron === null ? null : { field: 'cron', message: cron };
}

export const scheduleRequestSchema = z
  .strictObject({
    name: nameSchema,
    model: nameOrIdSchema,
    branch: nameOrIdSchema.default('main'),
    cron: settings.cron.default(null),
    time_zone: settings.time_zone.default('UTC'),
    when_pending: settings.when_pending.default(null),
    batch_size: settings.batch_size.default(100),
    order: settings.order.default('arrival'),
    group_by_subject: settings.group_by_subject.default(true),
    on_contradiction: settings.on_contradiction.default('newest_wins'),
    overlap: settings.overlap.default('skip'),
    catch_up_seconds: settings.catch_up_seconds.default(3600),
    budget: settings.budget.default({}),
    editor: settings.editor.default(null),
    config: settings.config.default({}),
    seed: settings.seed.default(0),
    on_error: settings.on_error.default('continue'),
    gate: settings.gate.default(null),
    priority: settings.priority.default('normal'),
    metadata: settings.metadata.default({}),
    paused: z.boolean().default(false),
  })
  .superRefine((request, context) => {
    const complaint = complainOfWhen(request);
    if (complaint !== null) context.addIssue({ code: 'custom', path: [complaint.field], message: complaint.message });
  })
  .meta({ id: 'ScheduleRequest' });
export type ScheduleRequest = z.input<typeof scheduleRequestSchema>;

/** Only what is given changes. */
export const scheduleChangeSchema = z
  .strictObject({ name: nameSchema, ...settings })
  .partial()
  .meta({ id: 'ScheduleChange' });
export type ScheduleChange = z.output<typeof scheduleChangeSchema>;

export const runTriggers = ['cron', 'pending', 'manual'] as const;
export type RunTrigger = (typeof runTriggers)[number];
/** `skipped`: not run, and `reason` says why; `empty`: nothing was waiting; `submitted`: `job_id` is the batch; `failed`: see `error`. */
export const runOutcomes = ['skipped', 'empty', 'submitted', 'failed'] as const;
export type RunOutcome = (typeof runOutcomes)[number];
export const skipReasons = ['overlap', 'missed', 'budget'] as const;
export type SkipReason = (typeof skipReasons)[number];

export const runCountsSchema = z.strictObject({
  /** Edits that were waiting, and what became of them. */
  pending: z.int(),
  drawn: z.int(),
  superseded: z.int(),
  refused: z.int(),
  held: z.int(),
  /** Edits that still wait: beyond the size or the budget. */
  left: z.int(),
  /** Earlier ticks that this one stands for. */
  missed: z.int(),
});
export type RunCounts = z.output<typeof runCountsSchema>;

export const scheduleRunSchema = z
  .strictObject({
    id: z.string(),
    object: z.literal('schedule_run'),
    schedule_id: z.string(),
    trigger: z.enum(runTriggers),
    due_at: z.iso.datetime(),
    started_at: z.iso.datetime(),
    outcome: z.enum(runOutcomes),
    reason: z.enum(skipReasons).nullable(),
    counts: runCountsSchema,
    job_id: z.string().nullable(),
    job_state: z.enum(jobStates).nullable(),
    error: z.strictObject({ code: z.string(), message: z.string() }).nullable(),
  })
  .meta({ id: 'ScheduleRun' });
export type ScheduleRun = z.output<typeof scheduleRunSchema>;

export const scheduleSchema = z
  .strictObject({
    id: z.string(),
    object: z.literal('schedule'),
    name: z.string(),
    model_id: z.string(),
    branch_id: z.string(),
    branch: z.string(),
    ...settings,
    editor: z.string().nullable(),
    config: z.record(z.string(), z.unknown()),
    metadata: storedMetadataSchema,
    gate: storedGateSchema.nullable(),
    paused: z.boolean(),
    /** When cron is due next; null while paused, and without cron. */
    next_due_at: z.iso.datetime().nullable(),
    /** The tick that waits for the job of the run before to end. */
    buffered_due_at: z.iso.datetime().nullable(),
    /** Edits that wait in the branch's inbox. */
    pending: z.int(),
    held: z.int(),
    last_run: scheduleRunSchema.nullable(),
    /** The API key in whose name runs submit: whoever made or last changed the schedule. */
    owner: z.string().nullable(),
    created_at: z.iso.datetime(),
    updated_at: z.iso.datetime(),
  })
  .meta({ id: 'Schedule' });
export type ScheduleResource = z.output<typeof scheduleSchema>;
