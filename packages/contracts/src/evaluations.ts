// Evaluations: a suite of cases put to any version and to the one it is compared with; what is asked, what each case found, the whole.
import { z } from 'zod';
import { canonicalJson, sha256 } from './canonical.ts';
import { costSchema } from './costs.ts';
import { type Edit, parseLines, probeSchema, textLimits } from './edits.ts';
import { type Complaint, ErrataError, type ErrorCode } from './errors.ts';
import { evaluationRowSchema, type Moment, moments, regressionSchema } from './evaluation-rows.ts';
import { gateVerdictSchema } from './gate.ts';
import { sayIssue } from './plain-issues.ts';
import { servedProtocols } from './protocols.ts';
import { nameSchema } from './resource-parts.ts';
import { evaluationSummarySchema } from './results.ts';
import { jobStates } from './states.ts';
import { isItemKind, type SuiteItem, suiteItemKinds, suiteItemSchema, wordsOfItem } from './suite-items.ts';

export const evaluationLimits = { cases: 10_000, shards: 64 } as const;

/**
 * Cases that are put to a model together. Shards are made of whole blocks, counted from the first case, so that a case shares its
 * batch with the same others however many shards and workers there are: rounding cannot tell one division of the work from another.
 */
export const casesInBlock = 32;

/** A question on its own. Without a target only the change of the answer is looked at. */
export const probeCaseSchema = probeSchema.extend({ custom_id: z.string().min(1).max(textLimits.custom_id) });
export type ProbeCase = z.output<typeof probeCaseSchema>;

/** What an evaluation asks about. */
export type SuiteCase =
  /** An edit with all its probes. */
  | { readonly kind: 'edit'; readonly edit: Edit }
  | { readonly kind: 'probe'; readonly probe: ProbeCase }
  | SuiteItem
  /** The end of the model's own text, whose perplexity is watched along a stream of edits. Nobody gives it. */
  | { readonly kind: 'held_text' };

export const caseKinds = [
  'edit',
  'probe',
  ...suiteItemKinds,
  'held_text',
] as const satisfies readonly SuiteCase['kind'][];

/** The case of the model's own text, as runs of protocols name it. */
export const heldTextId = 'held text';

export function customIdOf(item: SuiteCase): string {
  switch (item.kind) {
    case 'edit':
      return item.edit.custom_id;
    case 'probe':
      return item.probe.custom_id;
    case 'held_text':
      return heldTextId;
    default:
      return item.id;
  }
}

/** What a case asks, in a line for people, and the answer wanted; null where no one answer is. */
export function wordsOf(item: SuiteCase): { readonly prompt: string; readonly target: string | null } {
  switch (item.kind) {
    case 'edit':
      return { prompt: item.edit.prompt, target: item.edit.target_new };
    case 'probe':
      return { prompt: item.probe.prompt, target: item.probe.target ?? null };
    case 'held_text':
      return { prompt: '', target: null };
    default:
      return wordsOfItem(item);
  }
}

/** A case as it was given. */
export function givenOf(item: SuiteCase): Readonly<Record<string, unknown>> {
  return item.kind === 'edit' ? item.edit : item.kind === 'probe' ? item.probe : item;
}

/** Suites that are read off the lineage instead of being given. No stored suite has such a name. */
export const derivedSuites = ['applied', 'difference'] as const;
export type DerivedSuite = (typeof derivedSuites)[number];

/** Protocols that an evaluation on the service can follow. */
export const servedProtocolSchema = z.discriminatedUnion('kind', [...servedProtocols]);
export type ServedProtocol = z.output<typeof servedProtocolSchema>;

export const evaluationRequestSchema = z.strictObject({
  model: z.string(),
  /** The version at the head of this branch; `main` when neither branch nor version is given. */
  branch: z.string().optional(),
  /** Any version of the model, by id or a prefix that no other has. */
  version: z.string().optional(),
  /** What it is compared with: `parent` (what it was made from), `base` (the imported model), or a version. */
  against: z.string().default('parent'),
  /** Edits with their probes, as JSON or as the text of a JSONL file. */
  edits: z.array(z.unknown()).optional(),
  edits_jsonl: z.string().optional(),
  /**
   * Single questions, `{"prompt", "target"?, "aliases"?, "custom_id"?}`, and items of a suite, `{"kind", "id", ...}`. Beside edits,
   * they are asked as well: of the version as it is, or at every checkpoint of a stream of edits.
   */
  probes: z.array(z.unknown()).optional(),
  probes_jsonl: z.string().optional(),
  /**
   * `applied`: the edits that are active in the version. `difference`: those active in one of the two and not in the other. Or the
   * name of a stored suite.
   */
  suite: z.string().optional(),
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
  editor: z.string().optional(),
  config: z.record(z.string(), z.unknown()).optional(),
  seed: z.int().min(0).max(0xffff_ffff).optional(),
  /** Each edit alone when left out. */
  protocol: servedProtocolSchema.optional(),
  metadata: z.record(z.string().max(64), z.string().max(512)).optional(),
});
export type EvaluationRequest = z.input<typeof evaluationRequestSchema>;

/** A case at its place in an evaluation. */
export interface PlacedCase {
  readonly position: number;
  /** Unique in the evaluation: the id of an edit that the lineage knows, else the `custom_id`. */
  readonly case_id: string;
  /** Of an edit that the lineage knows. */
  readonly edit_id: string | null;
  readonly item: SuiteCase;
  /** As in the rows of runs: `end` for a version as it is, else when in the protocol it is measured. */
  readonly moment: Moment;
  /** Edits in the model then. */
  readonly edits: number;
}

/** One metric of one case; its place in a protocol is that of the case. */
export const measureSchema = evaluationRowSchema.omit({ case_id: true, moment: true, edits: true });
export type Measure = z.output<typeof measureSchema>;

/** What one case found. A case that could not be asked is `failed` and says why; it is never left out. */
export const caseResultSchema = z.strictObject({
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
});
export type CaseResult = z.output<typeof caseResultSchema>;

/** What a result says of its case whatever became of it. */
export const describeCase = ({ position, case_id, edit_id, item, moment, edits }: PlacedCase) => ({
  position,
  moment,
  edits,
  case_id,
  custom_id: customIdOf(item),
  kind: item.kind,
  edit_id,
  ...wordsOf(item),
});

/** The result of a case that could not be asked. */
export const failedCase = (
  placed: PlacedCase,
  { code, message }: { readonly code: string; readonly message: string },
): CaseResult => ({
  ...describeCase(placed),
  outcome: 'failed',
  error: { code, message },
  answer_before: null,
  answer_after: null,
  changed: false,
  measures: [],
  regressions: [],
});

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

export const evaluationSchema = z.strictObject({
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
});
export type EvaluationResource = z.output<typeof evaluationSchema>;

export const suiteRequestSchema = z.strictObject({
  name: nameSchema,
  description: z.string().max(1000).optional(),
  /** Edits with their probes, single questions, and items, as in an evaluation. */
  edits: z.array(z.unknown()).optional(),
  edits_jsonl: z.string().optional(),
  probes: z.array(z.unknown()).optional(),
  probes_jsonl: z.string().optional(),
  metadata: z.record(z.string().max(64), z.string().max(512)).optional(),
});
export type SuiteRequest = z.input<typeof suiteRequestSchema>;

export const suiteSchema = z.strictObject({
  id: z.string(),
  object: z.literal('suite'),
  name: z.string(),
  description: z.string().nullable(),
  /** Of its cases: equal suites have equal digests. */
  digest: z.string(),
  cases: z.int(),
  metadata: z.record(z.string(), z.string()),
  created_by: z.string().nullable(),
  created_at: z.iso.datetime(),
});
export type SuiteResource = z.output<typeof suiteSchema>;

/** A case of a stored suite as it is read back. */
export const storedCaseSchema = z.strictObject({
  position: z.int(),
  custom_id: z.string(),
  kind: z.enum(caseKinds),
  prompt: z.string(),
  target: z.string().nullable(),
  /** The whole of it, as it was given. */
  given: z.record(z.string(), z.unknown()),
});
export type StoredSuiteCase = z.output<typeof storedCaseSchema>;

/** Names a suite by its content. */
export const suiteDigest = (cases: readonly SuiteCase[]): string =>
  sha256(cases.map((item) => `${canonicalJson(item)}\n`).join(''));

export interface ParsedCases {
  readonly cases: readonly SuiteCase[];
  readonly errors: readonly Complaint[];
}

/** Reads probes and items from JSONL. Every line is checked; blank lines are skipped; line numbers start at 1. */
export function parseCasesJsonl(jsonl: string): ParsedCases {
  const { values, lines, errors } = parseLines(jsonl);
  const checked = checkCases(values, (index) => ({ line: lines[index] ?? 0 }));
  return {
    cases: checked.cases,
    errors: [...errors, ...checked.errors].sort((a, b) => (a.line ?? 0) - (b.line ?? 0)),
  };
}

/**
 * Checks probes and items that are already JSON: a value with a `kind` is an item. One without an id is named after its place, counted
 * from 1.
 */
export function checkCases(
  values: readonly unknown[],
  place: (index: number) => { line: number } | { pointer: string } = (index) => ({ pointer: `/probes/${index}` }),
): ParsedCases {
  const cases: SuiteCase[] = [];
  const errors: Complaint[] = [];
  const seen = new Map<string, number>();
  for (const [index, value] of values.entries()) {
    const complain = (code: ErrorCode, field: string, message: string) => {
      const at = place(index);
      const where = 'line' in at ? at : { pointer: `${at.pointer}/${field.replaceAll('.', '/')}` };
      errors.push({ code, field, message, ...where });
    };
    const read = readCase(value, String(index + 1));
    if ('issues' in read) {
      for (const { field, message } of read.issues) complain('invalid_request', field, message);
      continue;
    }
    const id = customIdOf(read.item);
    const earlier = seen.get(id);
    if (earlier === undefined) cases.push(read.item);
    else {
      const field = read.item.kind === 'probe' ? 'custom_id' : 'id';
      complain('duplicate_custom_id', field, `${field} ${JSON.stringify(id)} was already used by item ${earlier + 1}`);
    }
    seen.set(id, index);
  }
  return { cases, errors };
}

type ReadCase =
  | { readonly item: SuiteCase }
  | { readonly issues: readonly { readonly field: string; readonly message: string }[] };

function readCase(value: unknown, ownId: string): ReadCase {
  const fields = isPlain(value) ? value : {};
  if (!('kind' in fields)) {
    const named = isPlain(value) ? { custom_id: ownId, ...value } : value;
    const parsed = probeCaseSchema.safeParse(named);
    return parsed.success ? { item: { kind: 'probe', probe: parsed.data } } : { issues: issuesOf(parsed.error, named) };
  }
  if (!isItemKind(fields.kind)) {
    const message = `there is no kind ${JSON.stringify(fields.kind)}; there are ${suiteItemKinds.join(', ')}`;
    return { issues: [{ field: 'kind', message }] };
  }
  const named = { id: ownId, ...fields };
  const parsed = suiteItemSchema.safeParse(named);
  return parsed.success ? { item: parsed.data } : { issues: issuesOf(parsed.error, named) };
}

const issuesOf = ({ issues }: z.ZodError, value: unknown) =>
  issues.map((issue) => ({ field: issue.path.join('.'), message: sayIssue(issue, value) }));

const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Half-open ranges of positions. */
export interface CaseRange {
  readonly from: number;
  readonly to: number;
}

/** The blocks that a number of cases falls into ({@link casesInBlock}). */
export const blocksOf = ({ from, to }: CaseRange): readonly CaseRange[] =>
  Array.from({ length: Math.ceil((to - from) / casesInBlock) }, (_, index) => ({
    from: from + index * casesInBlock,
    to: Math.min(from + (index + 1) * casesInBlock, to),
  }));

/** Divides cases into shards of whole blocks, as even as they come; fewer than asked for when there are fewer blocks. */
export function divideCases(cases: number, shards?: number): readonly CaseRange[] {
  if (cases < 1) throw new ErrataError('invalid_request', 'there are no cases');
  const blocks = Math.ceil(cases / casesInBlock);
  // Small enough that edits which share the worker are not kept waiting for long.
  const wanted = shards ?? Math.ceil(blocks / 4);
  const count = Math.min(wanted, blocks, evaluationLimits.shards);
  return Array.from({ length: count }, (_, index) => ({
    from: Math.floor((index * blocks) / count) * casesInBlock,
    to: Math.min(Math.floor(((index + 1) * blocks) / count) * casesInBlock, cases),
  }));
}
