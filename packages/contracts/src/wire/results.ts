// What an evaluation of a candidate found: per edit and in the mean. Plain data that travels from the engine to the database and the API.
import { z } from 'zod';

/** Three ways to read one question: by token with the answer given, all tokens right, and by free greedy generation. */
export const scoreSchema = z.strictObject({
  /** Fraction of target tokens that are the argmax under teacher forcing. */
  token: z.number(),
  /** 1 when all of them are. */
  all: z.number(),
  /** 1 when greedy generation yields the target or an alias, after normalisation. For locality: the parent's own answer. */
  exact: z.number(),
});
export type Score = z.output<typeof scoreSchema>;

/** Mean scores with the number of probes behind them. */
export const meanScoreSchema = scoreSchema.extend({ count: z.int() });
export type MeanScore = z.output<typeof meanScoreSchema>;

const beforeAfter = z.strictObject({ before: meanScoreSchema, after: meanScoreSchema });

const reasonSchema = z.strictObject({ code: z.string(), message: z.string() });

/**
 * Why an edit was left out of its batch: it fails the gate `alone`; it fails it `together` with the edits before it that were kept;
 * or it was `unsettled` when no more candidates were to be tried. The measurements beside it are from a candidate with it in.
 */
export const refusalSchema = z.strictObject({
  how: z.enum(['alone', 'together', 'unsettled']),
  reasons: z.array(z.string()),
});
export type EditRefusal = z.output<typeof refusalSchema>;

export const editResultSchema = z
  .strictObject({
    custom_id: z.string(),
    /**
     * What became of the edit: `applied`; `already_holds`, where the model held it before anything was done and it left no delta; `failed` with
     * the reason (on_error: continue); or `refused` by the gate, found out by bisecting the batch.
     */
    outcome: z.enum(['applied', 'already_holds', 'failed', 'refused']),
    error: reasonSchema.nullable(),
    /** Why nothing below could be measured of an edit that did not fail, as a probe that does not fit the context window; absent where it was. */
    unmeasured: reasonSchema.optional(),
    refusal: refusalSchema.optional(),
    /** Greedy answers to the edit's prompt on the parent and on the candidate. */
    answer_before: z.string(),
    answer_after: z.string(),
    reliability: z.strictObject({ before: scoreSchema, after: scoreSchema }),
    generalization: beforeAfter.nullable(),
    /** Agreement of the candidate with the parent; by kind. */
    locality: z.record(z.string(), meanScoreSchema),
    portability: z.record(z.string(), beforeAfter),
    /** Norm of the edit's share of its delta over that of the matrix (gate metric `edit_norm`); null where no matrix changed. */
    delta_norm: z.number().nullable().optional(),
    /** What the editor says of its own work: losses, norms, steps. */
    diagnostics: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'EditResult' });
export type EditResult = z.output<typeof editResultSchema>;

/** Whether the model was asked about an edit: not where it failed, nor where it could not be asked. */
export const wasMeasured = ({ outcome, unmeasured }: Pick<EditResult, 'outcome' | 'unmeasured'>): boolean =>
  outcome !== 'failed' && unmeasured === undefined;

export const evaluationSummarySchema = z
  .strictObject({
    edits: z.int(),
    /** Edits that left a delta. Of an evaluation that makes none: those that were measured. */
    applied: z.int(),
    /** Edits that the model held before anything was done: successes without a delta. */
    already_holds: z.int(),
    /** Edits that the means are over, applied or held already. */
    measured: z.int(),
    reliability: beforeAfter,
    generalization: beforeAfter.nullable(),
    locality: meanScoreSchema.nullable(),
    locality_by_kind: z.record(z.string(), meanScoreSchema),
    portability_by_kind: z.record(z.string(), beforeAfter),
    /** Largest ||delta||_F / ||W||_F over the changed matrices; null when no weight changed. */
    delta_norm: z.number().nullable(),
    perplexity: z.strictObject({ parent: z.number(), candidate: z.number() }).nullable(),
    seconds: z.strictObject({ edit: z.number(), evaluate: z.number() }),
  })
  .meta({ id: 'EvaluationSummary' });
export type EvaluationSummary = z.output<typeof evaluationSummarySchema>;
