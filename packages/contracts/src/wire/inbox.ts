// The inbox of a branch: edits that wait for a schedule, and what becomes of them.
import { z } from 'zod';
import { textLimits } from './edits.ts';
import { jsonlTextSchema, mapOf } from './resource-parts.ts';

/** Edits that may wait in one inbox. */
export const inboxLimit = 100_000;

/**
 * `pending` waits; `held` contradicts another that waits, and a person decides; `batched` is in a job that has not ended. Then `applied`,
 * `already_holds` (the model held it before anything was done), `refused` (by the gate, or for a contradiction) or `failed`. `superseded` gave way to a newer answer, `withdrawn` was taken back.
 */
export const inboxStates = [
  'pending',
  'held',
  'batched',
  'applied',
  'already_holds',
  'refused',
  'failed',
  'withdrawn',
  'superseded',
] as const;
export type InboxState = (typeof inboxStates)[number];

export const priorityLimit = 1000;

/** The fields that come beside the edits, in the query: the body is nothing but edits. */
export const inboxQuerySchema = z.strictObject({
  priority: z.coerce
    .number()
    .int()
    .min(-priorityLimit)
    .max(priorityLimit)
    .default(0)
    .describe('Greater goes first in schedules that order by priority'),
});

/** One edit, an array of edits, or the text of a JSONL file; `custom_id` may be left out of each. */
export const inboxBodySchema = z.union([
  jsonlTextSchema,
  z.array(z.unknown()).min(1).max(textLimits.batch),
  mapOf(64, z.unknown(), 100),
]);

export const inboxEditSchema = z
  .strictObject({
    id: z.string(),
    object: z.literal('inbox_edit'),
    branch_id: z.string(),
    custom_id: z.string(),
    prompt: z.string(),
    subject: z.string().nullable(),
    target_new: z.string(),
    priority: z.int(),
    /** That of the edit: where it came from, who asked for it. */
    metadata: z.record(z.string(), z.string()),
    state: z.enum(inboxStates),
    /** Why it is held, superseded, refused or failed. */
    reason: z.strictObject({ code: z.string(), message: z.string() }).nullable(),
    /** The schedule's run that took it, the job it went into, and the edit it became there. */
    run_id: z.string().nullable(),
    job_id: z.string().nullable(),
    edit_id: z.string().nullable(),
    /** The one in the inbox that it gave way to. */
    superseded_by: z.string().nullable(),
    created_by: z.string().nullable(),
    created_at: z.iso.datetime(),
  })
  .meta({ id: 'InboxEdit' });
export type InboxEdit = z.output<typeof inboxEditSchema>;

export const inboxReceiptSchema = z
  .strictObject({
    object: z.literal('inbox_receipt'),
    branch_id: z.string(),
    /** How many are new. */
    accepted: z.int(),
    /** How many were waiting already, word for word under the same custom_id. */
    duplicates: z.int(),
    /** How many wait now. */
    pending: z.int(),
    edits: z.array(z.strictObject({ id: z.string(), custom_id: z.string(), duplicate: z.boolean() })),
  })
  .meta({ id: 'InboxReceipt' });
export type InboxReceipt = z.output<typeof inboxReceiptSchema>;
