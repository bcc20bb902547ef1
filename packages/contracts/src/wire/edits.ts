// The edit: one correction with its probes, as it comes in and as it is shown.
import { z } from 'zod';
import { joinSchema } from '../text/seam.ts';
import { metadataSchema } from './resource-parts.ts';
import { editResultSchema } from './results.ts';
import { jobStates } from './states.ts';

/** Longest texts accepted, in characters. Tokens are checked against the model's context by the engine. */
export const textLimits = {
  prompt: 4000,
  subject: 400,
  target: 4000,
  custom_id: 200,
  probes: 200,
  batch: 10_000,
} as const;
const text = (limit: number) => z.string().min(1).max(limit);

/** A question with the answer expected of it. Without a target, a locality probe is laid out over the parent's own answer. */
export const probeSchema = z.strictObject({
  prompt: text(textLimits.prompt),
  target: text(textLimits.target).optional(),
  /** Other spellings that count as the same answer in free generation. */
  aliases: z.array(text(textLimits.target)).max(50).optional(),
  /** Whether a space stands between prompt and answer; that of the edit where it is left out. */
  join: joinSchema.optional(),
});
export type Probe = z.infer<typeof probeSchema>;

const probes = z.array(probeSchema).max(textLimits.probes);

export const editSchema = z
  .strictObject({
    custom_id: text(textLimits.custom_id),
    /** A cloze prompt that the target completes. `{}` stands for the subject; otherwise the subject occurs literally. */
    prompt: text(textLimits.prompt),
    /** What the prompt is about. Editors that change what a model knows of a subject need one. */
    subject: text(textLimits.subject).optional(),
    target_new: z.string().max(textLimits.target),
    target_true: text(textLimits.target).optional(),
    /** Names the question independently of its wording, so that contradictions can be seen across phrasings. */
    relation: text(200).optional(),
    /** Other spellings of target_new. */
    aliases: z.array(text(textLimits.target)).max(50).optional(),
    rephrases: z.array(text(textLimits.prompt)).max(textLimits.probes).default([]),
    locality: z
      .strictObject({
        neighbourhood: probes.optional(),
        other_relations: probes.optional(),
        distracting: probes.optional(),
        other_tasks: probes.optional(),
      })
      .default({}),
    portability: z
      .strictObject({ alias: probes.optional(), inverse: probes.optional(), one_hop: probes.optional() })
      .default({}),
    /** Whether a space stands between each of its prompts and the answer; by how they are written where it is left out. */
    join: joinSchema.optional(),
    metadata: metadataSchema.optional(),
  })
  .meta({ id: 'Edit' });
export type EditInput = z.input<typeof editSchema>;
/** A checked edit: `{}` in the prompt is filled in. */
export type Edit = z.output<typeof editSchema>;

export const editRecordSchema = z
  .strictObject({
    id: z.string(),
    object: z.literal('edit'),
    job_id: z.string(),
    position: z.int(),
    custom_id: z.string(),
    prompt: z.string(),
    subject: z.string().nullable(),
    target_new: z.string(),
    target_true: z.string().nullable(),
    result: editResultSchema.nullable(),
    /** When its text was erased for good; what stands in its place says nothing. Null where it was not. */
    erased_at: z.iso.datetime().nullable(),
  })
  .meta({ id: 'EditRecord' });
export type EditRecord = z.output<typeof editRecordSchema>;

/** An edit with the branches on whose heads it acts. */
export const editDetailSchema = editRecordSchema
  .extend({
    active_on: z.array(z.strictObject({ branch: z.string(), version_id: z.string() })),
  })
  .meta({ id: 'EditDetail' });
export type EditDetail = z.output<typeof editDetailSchema>;

/** An edit as a search finds it, with when, where and by whom it was asked for. */
export const foundEditSchema = editRecordSchema
  .extend({
    branch: z.string().nullable(),
    /** Of its job. */
    state: z.enum(jobStates),
    /** Id of the API key. */
    created_by: z.string().nullable(),
    /** Name of that key, also of one that has ended. */
    author: z.string().nullable(),
    created_at: z.iso.datetime(),
  })
  .meta({ id: 'FoundEdit' });
export type FoundEdit = z.output<typeof foundEditSchema>;
