// Searches through a history: which version broke an answer (bisect), which edit made it (blame).
import { z } from 'zod';
import { probeSchema, textLimits } from './edits.ts';
import { largestInteger, metadataSchema, nameOrIdSchema } from './resource-parts.ts';
import { jobStates } from './states.ts';
import { editMentionSchema } from './versions.ts';

/** `target`: a version is bad when it does not answer with the target. `changed`: when it answers otherwise than the good end. */
export const bisectModes = ['target', 'changed'] as const;
export type BisectMode = (typeof bisectModes)[number];

/** An end of the range: the number of a move of the branch, or a version of its history, by id or prefix. */
const end = z.union([z.int().min(1).max(largestInteger), z.string().min(1).max(100)]);

export const bisectionRequestSchema = z
  .strictObject({
    model: nameOrIdSchema,
    branch: nameOrIdSchema.default('main'),
    probe: probeSchema,
    /** `target` when the probe has one, else `changed`. */
    mode: z.enum(bisectModes).optional(),
    /** Where the answer was still right; the branch's first move when left out. */
    good: end.optional(),
    /** Where it no longer is; the head when left out. */
    bad: end.optional(),
    metadata: metadataSchema.optional(),
  })
  .meta({ id: 'BisectionRequest' });
export type BisectionRequest = z.input<typeof bisectionRequestSchema>;

export const verdicts = ['good', 'bad'] as const;

const asked = { sequence: z.int(), version_id: z.string(), answer: z.string() };

/** One version that was looked at, in the order of looking. */
export const bisectStepSchema = z.strictObject({
  ...asked,
  verdict: z.enum(verdicts),
  /** Answered from the table of answers: this version had been asked the same before. */
  cached: z.boolean(),
});

export const bisectResultSchema = z
  .strictObject({
    /** The first move behind `last_good`, and what it brought. */
    first_bad: z.strictObject({
      ...asked,
      kind: z.string(),
      job_id: z.string().nullable(),
      reason: z.string().nullable(),
      /** Edits that the move switched on and off. */
      added: z.array(editMentionSchema),
      removed: z.array(editMentionSchema),
    }),
    /** The move right before it. */
    last_good: z.strictObject(asked),
    /** What a good version answers: the target, or the answer of the good end. */
    expected: z.string(),
    steps: z.array(bisectStepSchema),
    /** Moves between the two ends, both included. */
    moves: z.int(),
  })
  .meta({ id: 'BisectResult' });
export type BisectResult = z.output<typeof bisectResultSchema>;
export type BisectStep = BisectResult['steps'][number];

const job = {
  /** That of its job. */
  id: z.string(),
  state: z.enum(jobStates),
  model_id: z.string(),
  branch: z.string().nullable(),
};
const ending = {
  error: z
    .strictObject({ code: z.string(), message: z.string(), details: z.record(z.string(), z.unknown()) })
    .nullable(),
  created_at: z.iso.datetime(),
  finished_at: z.iso.datetime().nullable(),
};

export const bisectionSchema = z
  .strictObject({
    ...job,
    object: z.literal('bisection'),
    probe: probeSchema,
    mode: z.enum(bisectModes),
    /** The ends as numbers of moves. */
    good: z.int(),
    bad: z.int(),
    result: bisectResultSchema.nullable(),
    ...ending,
  })
  .meta({ id: 'Bisection' });
export type BisectionResource = z.output<typeof bisectionSchema>;

export const blameRequestSchema = z
  .strictObject({
    model: nameOrIdSchema,
    branch: nameOrIdSchema.optional(),
    /** Any version of the model; the head of the branch when left out. */
    version: nameOrIdSchema.optional(),
    prompt: z.string().min(1).max(textLimits.prompt),
    /** Ask every state behind the one found as well, so that the flip is known to be the last one. */
    exhaustive: z.boolean().default(false),
    metadata: metadataSchema.optional(),
  })
  .meta({ id: 'BlameRequest' });
export type BlameRequest = z.input<typeof blameRequestSchema>;

/** How an edit was told from the others that it shares its deltas with. */
export const blameMethods = ['only_edit', 'prompt', 'subject', 'replay'] as const;
export type BlameMethod = (typeof blameMethods)[number];

const stateSchema = z.strictObject({
  version_id: z.string(),
  answer: z.string(),
  /** Of the answer that the version gives now, and of the one it gave before; null where there is none. */
  probability: z.strictObject({ answer: z.number(), earlier: z.number().nullable() }),
});

export const blameResultSchema = z
  .strictObject({
    version_id: z.string(),
    answer: z.string(),
    /** `base`: the imported model gives this answer, and no state that was asked gives another. */
    origin: z.enum(['edit', 'base']),
    /** Null where the deltas of several edits cannot be told apart, and with `origin: base`. */
    edit: editMentionSchema.extend({ job_id: z.string() }).nullable(),
    method: z.enum(blameMethods).nullable(),
    /** The edits whose deltas came together at the flip, with what the model answers when one is left out and the others applied anew. */
    candidates: z.array(z.strictObject({ edit: editMentionSchema, answer_without: z.string().nullable() })),
    /** The version that the edits' job made. */
    job_version_id: z.string().nullable(),
    before: stateSchema.nullable(),
    after: stateSchema,
    /** States of the version's chain of contributions, 0 the imported model; the flip lies between `position - 1` and `position`. */
    position: z.int(),
    contributions: z.int(),
    asked: z.array(z.int()),
    /** Whether every state from the flip on was asked; otherwise the answer may have come and gone between those that were. */
    exact: z.boolean(),
  })
  .meta({ id: 'BlameResult' });
export type BlameResult = z.output<typeof blameResultSchema>;

export const blameSchema = z
  .strictObject({
    ...job,
    object: z.literal('blame'),
    version_id: z.string(),
    prompt: z.string(),
    exhaustive: z.boolean(),
    result: blameResultSchema.nullable(),
    ...ending,
  })
  .meta({ id: 'Blame' });
export type BlameResource = z.output<typeof blameSchema>;
