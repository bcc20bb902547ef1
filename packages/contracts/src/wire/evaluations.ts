// Evaluations: a suite of cases put to any version and to the one it is compared with; what each case found, and the whole.
import { z } from 'zod';
import { costSchema } from './costs.ts';
import { evaluationRowSchema, moments, regressionSchema } from './evaluation-rows.ts';
import { gateVerdictSchema } from './gate.ts';
import { servedProtocolSchema } from './protocols.ts';
import {
  configSchema,
  editorNameSchema,
  evaluationLimits,
  jsonlTextSchema,
  labelsSchema,
  metadataSchema,
  nameOrIdSchema,
  prioritySchema,
} from './resource-parts.ts';
import { evaluationSummarySchema } from './results.ts';
import { jobStates } from './states.ts';
import { caseKinds } from './suites.ts';

/** Suites that are read off the lineage instead of being given. No stored suite has such a name. */
export const derivedSuites = ['applied', 'difference'] as const;
export type DerivedSuite = (typeof derivedSuites)[number];

export const evaluationRequestSchema = z
  .strictObject({
    model: nameOrIdSchema,
    /** The version at the head of this branch; `main` when neither branch nor version is given. */
    branch: nameOrIdSchema.optional(),
    /** Any version of the model, by id or a prefix that no other has. */
    version: nameOrIdSchema.optional(),
    /** What it is compared with: `parent` (what it was made from), `base` (the imported model), or a version. */
    against: nameOrIdSchema.default('parent'),
    /** Edits with their probes, as JSON or as the text of a JSONL file. */
    edits: z.array(z.unknown()).max(evaluationLimits.cases).optional(),
    edits_jsonl: jsonlTextSchema.optional(),
    /**
     * Single questions, `{"prompt", "target"?, "aliases"?, "custom_id"?}`, and items of a suite, `{"kind", "id", ...}`. Beside edits,
     * they are asked as well: of the version as it is, or at every checkpoint of a stream of edits.
     */
    probes: z.array(z.unknown()).max(evaluationLimits.cases).optional(),
    probes_jsonl: jsonlTextSchema.optional(),
    /**
     * `applied`: the edits that are active in the version. `difference`: those active in one of the two and not in the other. Or the
     * name of a stored suite.
     */
    suite: nameOrIdSchema.optional(),
    /** Pieces that workers can take side by side; chosen by the number of cases when left out. The results do not depend on it. */
    shards: z.int().min(1).max(evaluationLimits.shards).optional(),
    /**
     * Holds what is found against the gate of the branch. Where the version is its head, and its policy has `auto_rollback`, failing
     * moves the branch back: this needs the scope `versions:rollback`.
     */
    gate: z.boolean().default(false),
    /**
     * Evaluates an editor instead of the version as it is: the edits are made anew on the version, by a protocol, tested against it,
     * and thrown away. `against` is the version itself then.
     */
    editor: editorNameSchema.optional(),
    config: configSchema.optional(),
    seed: z.int().min(0).max(0xffff_ffff).optional(),
    /** Each edit alone when left out. */
    protocol: servedProtocolSchema.optional(),
    /** Labels that the workers must have which take the job and its shards. */
    needs: labelsSchema.optional(),
    priority: prioritySchema,
    metadata: metadataSchema.optional(),
  })
  .meta({ id: 'EvaluationRequest' });
export type EvaluationRequest = z.input<typeof evaluationRequestSchema>;

/** One metric of one case; its place in a protocol is that of the case. */
export const measureSchema = evaluationRowSchema.omit({ case_id: true, moment: true, edits: true });
export type Measure = z.output<typeof measureSchema>;

/** What becomes of an edit that a protocol makes. */
export const madeOutcomes = ['applied', 'already_holds', 'failed'] as const;

/** What one case found. A case that could not be asked is `failed` and says why; it is never left out. */
export const caseResultSchema = z
  .strictObject({
    position: z.int(),
    moment: z.enum(moments),
    edits: z.int(),
    case_id: z.string(),
    custom_id: z.string(),
    kind: z.enum(caseKinds),
    edit_id: z.string().nullable(),
    prompt: z.string(),
    /** Null where nothing in particular is expected. */
    target: z.string().nullable(),
    outcome: z.enum(['measured', 'failed']),
    error: z.strictObject({ code: z.string(), message: z.string() }).nullable(),
    /** What became of the edit itself, under a protocol that makes it; whether it could be measured is another matter. */
    edit: z.enum(madeOutcomes).optional(),
    /**
     * Answers of the version compared with, and of the version evaluated: generated greedily, or the option chosen. Null where they were
     * not asked, or no one answer stands for the case.
     */
    answer_before: z.string().nullable(),
    answer_after: z.string().nullable(),
    changed: z.boolean(),
    measures: z.array(measureSchema),
    /** The worst of the probes that were answered rightly, or as before, and are not now. */
    regressions: z.array(regressionSchema),
  })
  .meta({ id: 'CaseResult' });
export type CaseResult = z.output<typeof caseResultSchema>;

const intervalSchema = z.strictObject({ low: z.number(), high: z.number() }).nullable();
/** A mean over cases with its 95 % bootstrap interval; null where one case alone says nothing of others. */
export const estimateSchema = z.strictObject({ value: z.number(), interval: intervalSchema });

/** A metric over all cases that have it. */
export const metricMeanSchema = z.strictObject({
  /** Of the metric's definition. */
  version: z.int(),
  cases: z.int(),
  probes: z.int(),
  /** On the version evaluated; the mean over cases, each counting once. */
  value: z.number(),
  interval: intervalSchema,
  /** The mean over probes, each counting once. */
  pooled: z.number(),
  /** On the version compared with; null where the metric is itself a comparison. */
  before: estimateSchema.nullable(),
  /** The mean difference, case by case. */
  delta: estimateSchema.nullable(),
});
export type MetricMean = z.output<typeof metricMeanSchema>;

/** What an evaluation leaves beside its summary: the `result` of its job. */
export const evaluationOutcomeSchema = z.strictObject({
  /** `resultsDigest` over what the cases found: equal for equal findings, whoever found them and however often it was tried. */
  digest: z.string(),
  measured: z.int(),
  failed: z.int(),
  /** Cases whose answer differs between the two versions. */
  changed: z.int(),
  /** By metric of the catalogue. */
  metrics: z.record(z.string(), metricMeanSchema),
  /** Of an editor under a protocol: the same at every place of the protocol, in order; `metrics` are those of the last. */
  places: z.array(
    z.strictObject({
      moment: z.enum(moments),
      edits: z.int(),
      cases: z.int(),
      failed: z.int(),
      metrics: z.record(z.string(), metricMeanSchema),
    }),
  ),
  cost: costSchema,
  /** Metrics of the whole, such as ROME's score. */
  run_metrics: z.record(z.string(), estimateSchema.extend({ version: z.int() })),
  /** What a gate would look at. */
  gate_values: z.record(z.string(), z.number()),
});
export type EvaluationOutcome = z.output<typeof evaluationOutcomeSchema>;

/** Where the cases of an evaluation came from: the request, the lineage, or a stored suite. */
export const suiteSources = ['edits', 'probes', ...derivedSuites, 'stored'] as const;
export type SuiteSource = (typeof suiteSources)[number];

/** An editor under a protocol, as an evaluation follows it. */
export const evaluatedEditorSchema = z.strictObject({
  name: z.string(),
  config: z.record(z.string(), z.unknown()),
  seed: z.int(),
  protocol: servedProtocolSchema,
});
export type EvaluatedEditor = z.output<typeof evaluatedEditorSchema>;

export const evaluationSchema = z
  .strictObject({
    /** That of its job. */
    id: z.string(),
    object: z.literal('evaluation'),
    state: z.enum(jobStates),
    model_id: z.string(),
    branch: z.string().nullable(),
    version_id: z.string(),
    against: z.strictObject({ kind: z.enum(['parent', 'base', 'version']), version_id: z.string() }),
    /** `name` is that of a stored suite. */
    suite: z.strictObject({ source: z.enum(suiteSources), name: z.string().nullable(), digest: z.string() }),
    /** The editor that makes the edits; null where the version is evaluated as it is. */
    editor: evaluatedEditorSchema.nullable(),
    /** Measurements: under a protocol a case is measured at several places. */
    cases: z.strictObject({ total: z.int(), measured: z.int(), failed: z.int() }),
    shards: z.strictObject({ total: z.int(), running: z.int(), ended: z.int() }),
    summary: evaluationSummarySchema.nullable(),
    outcome: evaluationOutcomeSchema.nullable(),
    /** The verdict of the branch's gate, where it was asked for. */
    gate: gateVerdictSchema.nullable(),
    /** The rollback that a verdict against the version brought about. */
    rollback_job_id: z.string().nullable(),
    error: z.strictObject({ code: z.string(), message: z.string() }).nullable(),
    metadata: z.record(z.string(), z.string()),
    created_by: z.string().nullable(),
    created_at: z.iso.datetime(),
    started_at: z.iso.datetime().nullable(),
    finished_at: z.iso.datetime().nullable(),
  })
  .meta({ id: 'Evaluation' });
export type EvaluationResource = z.output<typeof evaluationSchema>;
