// Suites: what versions are asked, edits with their probes, single questions and items, read from JSON and JSONL and stored once.
import { z } from 'zod';
import type { Complaint, ErrorCode } from '../errors.ts';
import { evaluationLimits } from '../rules/case-ranges.ts';
import { atOnce, type Steps } from '../running/steps.ts';
import { canonicalJson, sha256 } from '../text/canonical.ts';
import { complainOfSize, itemShape } from '../text/json-shape.ts';
import { fieldName, quoted, sayIssue } from '../text/plain-issues.ts';
import { complaintsKept, type Edit, type EditPlace, editSchema, parseLines, probeSchema, textLimits } from './edits.ts';
import { jsonlTextSchema, metadataSchema, nameSchema } from './resource-parts.ts';
import { isItemKind, type SuiteItem, suiteItemKinds, suiteItemSchema, wordsOfItem } from './suite-items.ts';

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

/** The same as it is stored. */
export const suiteCaseSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('edit'), edit: editSchema }),
  z.strictObject({ kind: z.literal('probe'), probe: probeCaseSchema }),
  suiteItemSchema,
  z.strictObject({ kind: z.literal('held_text') }),
]);

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

export const suiteRequestSchema = z
  .strictObject({
    name: nameSchema,
    description: z.string().max(1000).optional(),
    /** Edits with their probes, single questions, and items, as in an evaluation. */
    edits: z.array(z.unknown()).max(evaluationLimits.cases).optional(),
    edits_jsonl: jsonlTextSchema.optional(),
    probes: z.array(z.unknown()).max(evaluationLimits.cases).optional(),
    probes_jsonl: jsonlTextSchema.optional(),
    metadata: metadataSchema.optional(),
  })
  .meta({ id: 'SuiteRequest' });
export type SuiteRequest = z.input<typeof suiteRequestSchema>;

export const suiteSchema = z
  .strictObject({
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
  })
  .meta({ id: 'Suite' });
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
export const parseCasesJsonl = (jsonl: string): ParsedCases => atOnce(parsingCases(jsonl));

/** {@link parseCasesJsonl} in steps. */
export function* parsingCases(jsonl: string): Steps<ParsedCases> {
  const { values, lines, errors } = yield* parseLines(jsonl);
  const checked = yield* checkingCases(values, (index) => ({ line: lines[index] ?? 0 }));
  return {
    cases: checked.cases,
    errors: [...errors, ...checked.errors].sort((a, b) => (a.line ?? 0) - (b.line ?? 0)),
  };
}

/**
 * Checks probes and items that are already JSON: a value with a `kind` is an item. One without an id is named after its place, counted
 * from 1.
 */
export const checkCases = (values: readonly unknown[]): ParsedCases => atOnce(checkingCases(values));

/** {@link checkCases} in steps. Checking stops after {@link complaintsKept} complaints. */
export function* checkingCases(
  values: readonly unknown[],
  place: (index: number) => EditPlace = (index) => ({ pointer: `/probes/${index}` }),
): Steps<ParsedCases> {
  const cases: SuiteCase[] = [];
  const errors: Complaint[] = [];
  const seen = new Map<string, number>();
  for (const [index, value] of values.entries()) {
    if (errors.length >= complaintsKept) break;
    const complain = (code: ErrorCode, field: string, message: string) => {
      const at = place(index);
      const where = 'line' in at ? at : { pointer: `${at.pointer}/${field.replaceAll('.', '/')}` };
      errors.push({ code, field, message, ...where });
    };
    const read = readCase(value, String(index + 1));
    if ('issues' in read) {
      const kept = read.issues.slice(0, complaintsKept - errors.length);
      for (const { field, message } of kept) complain('invalid_request', field, message);
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
    yield;
  }
  return { cases, errors };
}

type ReadCase =
  | { readonly item: SuiteCase }
  | { readonly issues: readonly { readonly field: string; readonly message: string }[] };

function readCase(value: unknown, ownId: string): ReadCase {
  const size = complainOfSize(value, itemShape);
  if (size !== null) return { issues: [{ field: '', message: `the item is too large: ${size}` }] };
  const fields = isPlain(value) ? value : {};
  if (!('kind' in fields)) {
    const named = isPlain(value) ? { custom_id: ownId, ...value } : value;
    const parsed = probeCaseSchema.safeParse(named);
    return parsed.success ? { item: { kind: 'probe', probe: parsed.data } } : { issues: issuesOf(parsed.error, named) };
  }
  if (!isItemKind(fields.kind)) {
    const message = `there is no kind ${quoted(fields.kind)}; there are ${suiteItemKinds.join(', ')}`;
    return { issues: [{ field: 'kind', message }] };
  }
  const named = { id: ownId, ...fields };
  const parsed = suiteItemSchema.safeParse(named);
  return parsed.success ? { item: parsed.data } : { issues: issuesOf(parsed.error, named) };
}

const issuesOf = ({ issues }: z.ZodError, value: unknown) =>
  issues.map((issue) => ({ field: fieldName(issue.path), message: sayIssue(issue, value) }));

const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
