// Versions, how two of them differ, and the moves of a branch from one to the next.
import { z } from 'zod';
import { deltaReferenceSchema } from './manifest.ts';

export const versionSchema = z
  .strictObject({
    id: z.string(),
    object: z.literal('version'),
    model_id: z.string(),
    parent_id: z.string().nullable(),
    job_id: z.string().nullable(),
    /** Solves whose deltas are active; 0 for the imported model. */
    depth: z.int(),
    delta_bytes: z.int(),
    created_at: z.iso.datetime(),
  })
  .meta({ id: 'Version' });
export type VersionResource = z.output<typeof versionSchema>;

/** An edit as versions and histories mention it. */
export const editMentionSchema = z.strictObject({
  id: z.string(),
  custom_id: z.string(),
  prompt: z.string(),
  subject: z.string().nullable(),
  target_new: z.string(),
});
export type EditMention = z.output<typeof editMentionSchema>;

/** What the second version has and the first has not, and the reverse: deltas in order, with the edits each came from. */
export const versionDiffSchema = z
  .strictObject({
    object: z.literal('version_diff'),
    from: z.string(),
    to: z.string(),
    /** Deltas on each side, of which the lists name the first. */
    added_count: z.int(),
    removed_count: z.int(),
    added: z.array(z.strictObject({ delta: deltaReferenceSchema, edits: z.array(editMentionSchema) })),
    removed: z.array(z.strictObject({ delta: deltaReferenceSchema, edits: z.array(editMentionSchema) })),
  })
  .meta({ id: 'VersionDiff' });
export type VersionDiff = z.output<typeof versionDiffSchema>;

/** How the weights of two versions differ, parameter by parameter. */
export const weightsDiffSchema = z
  .strictObject({
    object: z.literal('weights_diff'),
    from: z.string(),
    to: z.string(),
    /** Parameters that differ, the largest relative change first. */
    tensors: z.array(
      z.strictObject({
        tensor: z.string(),
        shape: z.array(z.int()),
        /** Frobenius norm of the change. */
        norm: z.number(),
        /** The same against the norm of the first version's parameter; null when that is zero. */
        relative: z.number().nullable(),
        /** The largest change of an element. */
        largest: z.number(),
        /**
         * Directions of the change that carry more than rounding to float32 can account for; with `at_least`, counting was given up
         * there. Null for parameters that are no linear maps.
         */
        rank: z.strictObject({ value: z.int(), at_least: z.boolean() }).nullable(),
      }),
    ),
    /** Memories that differ, such as codebooks, by the rows that came, went and stayed. */
    memories: z.array(
      z.strictObject({ kind: z.string(), place: z.string(), added: z.int(), removed: z.int(), kept: z.int() }),
    ),
    /** The codebooks among them, by site and layer. */
    codebooks: z.array(
      z.strictObject({ site: z.string(), layer: z.int(), added: z.int(), removed: z.int(), kept: z.int() }),
    ),
  })
  .meta({ id: 'WeightsDiff' });
export type WeightsDiff = z.output<typeof weightsDiffSchema>;

/** One step of a branch's append-only history. */
export const moveSchema = z
  .strictObject({
    sequence: z.int(),
    kind: z.enum(['created', 'edit', 'reset', 'exact', 'subtract']),
    from_version: z.string().nullable(),
    to_version: z.string(),
    job_id: z.string().nullable(),
    /** Edits that it switched on or off, of which `edits` names the first. */
    edit_count: z.int(),
    edits: z.array(
      z.strictObject({
        id: z.string(),
        custom_id: z.string(),
        prompt: z.string(),
        target_new: z.string(),
        active: z.boolean(),
      }),
    ),
    reason: z.string().nullable(),
    created_at: z.iso.datetime(),
  })
  .meta({ id: 'Move' });
export type MoveResource = z.output<typeof moveSchema>;
