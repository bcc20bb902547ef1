// From what a record says to an edit that holds by the rules of edits: spaces taken off, the subject found, limits kept.
import {
  checkEdits,
  type Edit,
  type EditInput,
  type ErrorCode,
  editSchema,
  findSubject,
  type Probe,
  probeSchema,
  sameAnswer,
  textLimits,
} from '@errata/contracts';
import { parsePart } from './layout.ts';
import { type DatasetRule, type Notes, Unusable } from './rules.ts';

/** The names that a file gives to the fields of an edit, for complaints: `{ target_new: 'alt' }`. */
export type FieldNames = Readonly<Partial<Record<keyof EditInput, string>>>;

/** Spellings of one answer that an edit can hold at most. */
const mostAliases = 50;

const singleFields = ['prompt', 'subject', 'target_new', 'target_true'] as const;

/**
 * The edit of a record.
 * @throws Unusable naming the field of the file and the first rule that it breaks
 */
export function finishEdit(draft: EditInput, names: FieldNames, notes: Notes): Edit {
  const named = (field: string): string => {
    const [head, ...rest] = field.split('.');
    return [names[head as keyof EditInput] ?? head, ...rest].join('.');
  };
  const edit = { ...draft };
  for (const field of singleFields) {
    const value = edit[field];
    if (value === undefined || value === value.trim()) continue;
    edit[field] = value.trim();
    notes.repaired.push({ field: named(field), rule: 'surrounding_space' });
  }
  if (edit.target_new === '') throw new Unusable(named('target_new'), 'empty');
  if (edit.target_true !== undefined && sameAnswer(edit.target_new, edit.target_true)) {
    // Published sets have facts that the answer of before was right about already.
    delete edit.target_true;
    notes.dropped.push({ field: named('target_true'), rule: 'same_targets' });
  }
  const spelled = edit.subject === undefined ? undefined : spelledInPrompt(edit.prompt, edit.subject);
  if (spelled !== undefined && spelled !== edit.subject) {
    edit.subject = spelled;
    notes.repaired.push({ field: named('subject'), rule: 'subject_spelling' });
  }
  return checkEdit(edit, named);
}

/** An edit by the rules that submitted edits must meet. @throws Unusable */
export function checkEdit(edit: unknown, named: (field: string) => string = (field) => field): Edit {
  const { edits, errors } = checkEdits([edit]);
  const [complaint] = errors;
  if (complaint === undefined) return edits[0]!;
  try {
    parsePart(edit, editSchema, '');
  } catch (error) {
    throw error instanceof Unusable ? new Unusable(named(error.note.field), error.note.rule) : error;
  }
  throw new Unusable(named(complaint.field ?? ''), ruleOf(complaint.code));
}

/** What is left for an edit on its own once its schema holds. */
const ruleOf = (code: ErrorCode): DatasetRule => {
  if (code === 'subject_not_in_prompt' || code === 'control_characters' || code === 'same_targets') return code;
  return code === 'target_too_long' ? 'too_long' : 'empty';
};

/**
 * The subject as the prompt spells it, where the two differ in case, spaces or Unicode form alone; undefined where it is
 * not in the prompt as words of its own. Editors locate the subject in the prompt, so the prompt's spelling is the one that counts.
 */
export function spelledInPrompt(prompt: string, subject: string): string | undefined {
  if (subject === '' || prompt.includes('{}')) return subject;
  if ('end' in findSubject(prompt, subject)) return subject;
  const words = subject.normalize('NFC').trim().split(/\s+/).map(literally);
  const pattern = new RegExp(`(?<![\\p{L}\\p{N}])${words.join('\\s+')}(?![\\p{L}\\p{N}])`, 'iu');
  const direct = pattern.exec(prompt)?.[0];
  if (direct !== undefined) return direct;
  if (prompt === prompt.normalize('NFC')) return undefined;
  const composed = pattern.exec(prompt.normalize('NFC'))?.[0];
  return composed === undefined
    ? undefined
    : [composed, composed.normalize('NFD')].find((form) => prompt.includes(form));
}

const literally = (word: string): string => word.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');

/**
 * A probe with one answer and its other spellings; without answers, one that is held against the parent's own answer.
 * @throws Unusable under `field` where an edit cannot hold it
 */
export function probeOf(prompt: string, [target, ...aliases]: readonly string[], field: string): Probe {
  const probe = { prompt: prompt.trim(), ...(target !== undefined && { target }), ...withAliases(aliases, target) };
  return parsePart(probe, probeSchema, field);
}

/** `aliases` as far as an edit can hold them, without the answer itself. */
export function withAliases(aliases: readonly string[] | undefined, target?: string): { aliases?: string[] } {
  const others = [...new Set(aliases?.map((alias) => alias.trim()))].filter(
    (alias) => alias !== '' && alias !== target && alias.length <= textLimits.target,
  );
  return others.length === 0 ? {} : { aliases: others.slice(0, mostAliases) };
}

/** Groups of probes without those that are empty, and with no more in one than an edit can hold. */
export function probeGroups<Kind extends string>(
  groups: {
    readonly [kind in Kind]?: readonly Probe[];
  },
): { [kind in Kind]?: Probe[] } {
  const kept: { [kind in Kind]?: Probe[] } = {};
  for (const kind of Object.keys(groups) as Kind[]) {
    const probes = groups[kind] ?? [];
    if (probes.length > 0) kept[kind] = probes.slice(0, textLimits.probes);
  }
  return kept;
}
