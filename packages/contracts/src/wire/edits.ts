// The edit: one correction with its probes, as it comes in by JSONL or JSON, and the rules a batch must meet.
import { z } from 'zod';
import type { Complaint, ErrorCode } from '../errors.ts';
import { atOnce, type Steps } from '../running/steps.ts';
import { complainOfShape, complainOfSize, findUnusableText, itemShape, unusableText } from '../text/json-shape.ts';
import { fieldName, sayIssue } from '../text/plain-issues.ts';
import { findSubject } from '../text/subjects.ts';
import { metadataSchema } from './resource-parts.ts';

/** Longest texts accepted, in characters. Tokens are checked against the model's context by the engine. */
export const textLimits = {
  prompt: 4000,
  subject: 400,
  target: 400,
  custom_id: 200,
  probes: 200,
  batch: 10_000,
} as const;

// Control characters other than tab and newline have no place in a fact.
const controlCharacters = /[^\P{Cc}\t\n]/u;
const text = (limit: number) => z.string().min(1).max(limit);

/** A question with the answer expected of it. Without a target, a locality probe is laid out over the parent's own answer. */
export const probeSchema = z.strictObject({
  prompt: text(textLimits.prompt),
  target: text(textLimits.target).optional(),
  /** Other spellings that count as the same answer in free generation. */
  aliases: z.array(text(textLimits.target)).max(50).optional(),
});
export type Probe = z.infer<typeof probeSchema>;

export const localityKinds = ['neighbourhood', 'other_relations', 'distracting', 'other_tasks'] as const;
export const portabilityKinds = ['alias', 'inverse', 'one_hop'] as const;
export type LocalityKind = (typeof localityKinds)[number];
export type PortabilityKind = (typeof portabilityKinds)[number];

const probes = z.array(probeSchema).max(textLimits.probes);

export const editSchema = z
  .strictObject({
    custom_id: text(textLimits.custom_id),
    /** A cloze prompt that the target completes. `{}` stands for the subject; otherwise the subject occurs literally. */
    prompt: text(textLimits.prompt),
    subject: text(textLimits.subject),
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
    metadata: metadataSchema.optional(),
  })
  .meta({ id: 'Edit' });

export type EditInput = z.input<typeof editSchema>;
/** A checked edit: `{}` in the prompt is filled in. */
export type Edit = z.output<typeof editSchema>;

/** Where an edit stood in what it came in. */
export type EditPlace = { readonly line: number } | { readonly pointer: string };

export interface ParsedEdits {
  readonly edits: readonly Edit[];
  /** Of the edits, in their order. */
  readonly places: readonly EditPlace[];
  readonly errors: readonly Complaint[];
}

/** What is done to each value before it is checked. */
type Prepare = (value: unknown) => unknown;
const asItIs: Prepare = (value) => value;

export interface ParsedLines {
  readonly values: readonly unknown[];
  /** Of the values, in their order; 1 for the first. */
  readonly lines: readonly number[];
  readonly errors: readonly Complaint[];
}

/** Complaints after which nothing more is looked at: nobody mends a thousand by hand. */
export const complaintsKept = 1000;

/**
 * The values of a JSONL text; blank lines are skipped. A text that is one JSON document over several lines is one complaint. Reading
 * stops after {@link complaintsKept} complaints.
 */
export function* parseLines(jsonl: string): Steps<ParsedLines> {
  const text = jsonl.replace(/^\ufeff/, '');
  const values: unknown[] = [];
  const lines: number[] = [];
  const errors: Complaint[] = [];
  for (const [index, raw] of text.split('\n').entries()) {
    if (raw.trim() === '') continue;
    if (errors.length >= complaintsKept) break;
    const read = parseLine(raw, index + 1);
    if ('code' in read) errors.push(read);
    else {
      values.push(read.value);
      lines.push(index + 1);
    }
    yield;
  }
  if (errors.length === 0 || !isJson(text)) return { values, lines, errors };
  const message = 'this is one JSON document, not JSONL: write one object a line';
  return { values: [], lines: [], errors: [{ code: 'malformed_jsonl', line: 1, message }] };
}

function parseLine(raw: string, line: number): Complaint | { readonly value: unknown } {
  const shape = complainOfShape(raw, itemShape);
  if (shape !== null) return { code: 'malformed_jsonl', line, message: `not to be read: ${shape}` };
  try {
    const value: unknown = JSON.parse(raw);
    const field = findUnusableText(raw, value)?.join('.');
    if (field === undefined) return { value };
    return { code: 'control_characters', line, field, message: `${field || 'the value'} ${unusableText}` };
  } catch (error) {
    return { code: 'malformed_jsonl', line, message: `not JSON: ${(error as Error).message}` };
  }
}

// What somebody has written over several lines by mistake: no deeper than one of its items in an array.
const documentShape = { ...itemShape, width: textLimits.batch, values: 1_000_000 };

function isJson(text: string): boolean {
  if (complainOfShape(text, documentShape) !== null) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Reads edits from JSONL. Every line is checked; blank lines are skipped; line numbers start at 1. */
export const parseEditsJsonl = (jsonl: string, prepare?: Prepare): ParsedEdits => atOnce(parsingEdits(jsonl, prepare));

/** {@link parseEditsJsonl} in steps. */
export function* parsingEdits(jsonl: string, prepare?: Prepare): Steps<ParsedEdits> {
  const { values, lines, errors } = yield* parseLines(jsonl);
  const checked = yield* checkingEdits(values, (index) => ({ line: lines[index] ?? 0 }), prepare);
  return { ...checked, errors: [...errors, ...checked.errors].sort((a, b) => (a.line ?? 0) - (b.line ?? 0)) };
}

/** Where a field of an edit stood. */
export const placeOfField = (
  at: EditPlace,
  path: readonly (string | number)[],
): { readonly line: number } | { readonly pointer: string } =>
  'line' in at ? { line: at.line } : { pointer: `${at.pointer}/${path.join('/')}` };

type PlaceOf = (index: number) => EditPlace;
type Complain = (code: ErrorCode, field: string, message: string) => void;

/** Checks a batch of edits that is already JSON. `place` says how an index is named in complaints. */
export const checkEdits = (values: readonly unknown[], place?: PlaceOf, prepare?: Prepare): ParsedEdits =>
  atOnce(checkingEdits(values, place, prepare));

/** {@link checkEdits} in steps. Checking stops after {@link complaintsKept} complaints. */
export function* checkingEdits(
  values: readonly unknown[],
  place: PlaceOf = (index) => ({ pointer: `/edits/${index}` }),
  prepare: Prepare = asItIs,
): Steps<ParsedEdits> {
  const edits: Edit[] = [];
  const places: EditPlace[] = [];
  const errors: Complaint[] = [];
  const seenIds = new Map<string, EditPlace>();
  const answers = new Map<string, { target: string; custom_id: string }>();

  function checkEdit(given: unknown, at: EditPlace, complain: Complain) {
    const parsed = editSchema.safeParse(given);
    if (!parsed.success) {
      for (const issue of parsed.error.issues.slice(0, complaintsKept - errors.length)) {
        const tooLong = issue.code === 'too_big' && issue.path[0] === 'target_new';
        complain(tooLong ? 'target_too_long' : 'invalid_request', fieldName(issue.path), sayIssue(issue, given));
      }
      return;
    }
    const edit = fillSubject(parsed.data);
    if (edit === null) {
      complain(
        'invalid_request',
        'prompt',
        `prompt with its subject filled in has over ${textLimits.prompt} characters`,
      );
      return;
    }
    const before = errors.length;
    const earlier = seenIds.get(edit.custom_id);
    if (earlier !== undefined)
      complain(
        'duplicate_custom_id',
        'custom_id',
        `custom_id ${JSON.stringify(edit.custom_id)} was already used ${'line' in earlier ? `on line ${earlier.line}` : `by ${earlier.pointer}`}`,
      );
    seenIds.set(edit.custom_id, at);
    if (edit.target_new.trim() === '') complain('empty_target', 'target_new', 'target_new is empty');
    const place = findSubject(edit.prompt, edit.subject);
    if ('missing' in place) complain('subject_not_in_prompt', 'subject', `${place.what}. ${place.hint}`);
    if (edit.target_true !== undefined && sameAnswer(edit.target_new, edit.target_true)) {
      complain(
        'same_targets',
        'target_new',
        `target_new and target_true are both ${JSON.stringify(edit.target_new)}: an edit changes an answer to another one. Leave target_true out where the model is only to keep its answer`,
      );
    }
    for (const field of ['prompt', 'subject', 'target_new', 'target_true'] as const) {
      if (controlCharacters.test(edit[field] ?? ''))
        complain('control_characters', field, `${field} holds control characters`);
    }
    for (const question of questionsOf(edit)) {
      const known = answers.get(question);
      if (known !== undefined && known.target !== normaliseAnswer(edit.target_new)) {
        complain(
          'contradictory_edits',
          'target_new',
          `contradicts edit ${JSON.stringify(known.custom_id)}, which gives the same question another answer`,
        );
        break;
      }
      answers.set(question, { target: normaliseAnswer(edit.target_new), custom_id: edit.custom_id });
    }
    if (errors.length > before) return;
    edits.push(edit);
    places.push(at);
  }

  for (const [index, value] of values.entries()) {
    const at = place(index);
    const complain: Complain = (code, field, message) =>
      errors.push({ code, field, message, ...placeOfField(at, field.split('.')) });
    const size = complainOfSize(value, itemShape);
    if (size === null) checkEdit(prepare(value), at, complain);
    else complain('invalid_request', '', `the edit is too large: ${size}`);
    if (errors.length >= complaintsKept) break;
    yield;
  }
  return { edits, places, errors };
}

/** `{}` filled in; null where the prompt would be longer than a prompt may be. */
function fillSubject(edit: Edit): Edit | null {
  const pieces = edit.prompt.split('{}');
  if (pieces.length === 1) return edit;
  const longer = (pieces.length - 1) * (edit.subject.length - 2);
  return edit.prompt.length + longer > textLimits.prompt ? null : { ...edit, prompt: pieces.join(edit.subject) };
}

const squash = (value: string) => value.trim().replace(/\s+/g, ' ');

/** Case, outer punctuation and spacing do not make another answer. */
export function normaliseAnswer(answer: string): string {
  const text = squash(answer.normalize('NFKC').toLowerCase());
  let [start, end] = [0, text.length];
  while (start < end && outer.includes(text[start]!)) start++;
  while (end > start && outer.includes(text[end - 1]!)) end--;
  return text.slice(start, end);
}
// Taken off one by one: an expression that ends in $ looks at a long run of them once for each place in it.
const outer = ` "'.,;:!?()`;

/** Whether two targets are spelled alike. Capitals count: to correct them is an edit. */
export const sameAnswer = (a: string, b: string): boolean => squash(a.normalize('NFC')) === squash(b.normalize('NFC'));

/** The questions an edit answers: its prompt as worded and, where the relation is named, (subject, relation). */
export const questionsOf = (edit: Pick<Edit, 'prompt' | 'subject' | 'relation'>): readonly string[] => [
  `prompt:${squash(edit.prompt)}`,
  ...(edit.relation === undefined ? [] : [`relation:${squash(edit.subject)}\u0000${edit.relation}`]),
];
