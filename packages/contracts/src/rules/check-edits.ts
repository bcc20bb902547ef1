// The rules of a batch of edits: every bad line is named with its field and rule.
import type { Complaint, ErrorCode } from '../errors.ts';
import { atOnce, type Steps } from '../running/steps.ts';
import { withoutNulls } from '../text/absent.ts';
import { complainOfSize, itemShape } from '../text/json-shape.ts';
import { complaintsKept, parseLines } from '../text/jsonl.ts';
import { fieldName, sayIssue } from '../text/plain-issues.ts';
import { findSubject } from '../text/subjects.ts';
import { type Edit, editSchema, textLimits } from '../wire/edits.ts';
import { normaliseAnswer, questionsOf, sameAnswer } from './questions.ts';

// Control characters other than tab and newline have no place in a fact.
const controlCharacters = /[^\P{Cc}\t\n]/u;

/** Where an edit stood in what it came in. */
export type EditPlace = { readonly line: number } | { readonly pointer: string };

export interface ParsedEdits {
  readonly edits: readonly Edit[];
  /** Of the edits, in their order. */
  readonly places: readonly EditPlace[];
  readonly errors: readonly Complaint[];
}

/** Gives the `custom_id` of an edit that came without, by its place among the others, from 0. */
type NameEdit = (index: number) => string;

const byNumber: NameEdit = (index) => String(index + 1);

/** Reads edits from JSONL. Every line is checked; blank lines are skipped; line numbers start at 1. */
export const parseEditsJsonl = (jsonl: string, name?: NameEdit): ParsedEdits => atOnce(parsingEdits(jsonl, name));

/** {@link parseEditsJsonl} in steps. */
export function* parsingEdits(jsonl: string, name?: NameEdit): Steps<ParsedEdits> {
  const { values, lines, errors } = yield* parseLines(jsonl);
  const checked = yield* checkingEdits(values, (index) => ({ line: lines[index] ?? 0 }), name);
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

/**
 * Checks a batch of edits that is already JSON. `place` says how an index is named in complaints. A field that is null is absent; an edit
 * without a `custom_id` is named by its number, counted from 1, or as `name` says.
 */
export const checkEdits = (values: readonly unknown[], place?: PlaceOf, name?: NameEdit): ParsedEdits =>
  atOnce(checkingEdits(values, place, name));

/** {@link checkEdits} in steps. Checking stops after {@link complaintsKept} complaints. */
export function* checkingEdits(
  values: readonly unknown[],
  place: PlaceOf = (index) => ({ pointer: `/edits/${index}` }),
  name: NameEdit = byNumber,
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
    if (typeof edit === 'string') {
      complain('invalid_request', 'prompt', edit);
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
    const place = edit.subject === undefined ? undefined : findSubject(edit.prompt, edit.subject);
    if (place !== undefined && 'missing' in place)
      complain('subject_not_in_prompt', 'subject', `${place.what}. ${place.hint}`);
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
    if (size === null) checkEdit(named(withoutNulls(value), name, index), at, complain);
    else complain('invalid_request', '', `the edit is too large: ${size}`);
    if (errors.length >= complaintsKept) break;
    yield;
  }
  return { edits, places, errors };
}

const named = (value: unknown, name: NameEdit, index: number): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !('custom_id' in value)
    ? { ...value, custom_id: name(index) }
    : value;

/** `{}` filled in; a complaint where there is nothing for it, or where the prompt would be longer than a prompt may be. */
function fillSubject(edit: Edit): Edit | string {
  const { prompt, subject } = edit;
  const pieces = prompt.split('{}');
  if (pieces.length === 1) return edit;
  if (subject === undefined) return 'prompt has {} for a subject, and there is no subject';
  const length = prompt.length + (pieces.length - 1) * (subject.length - 2);
  if (length > textLimits.prompt) return `prompt with its subject filled in has over ${textLimits.prompt} characters`;
  return { ...edit, prompt: pieces.join(subject) };
}
