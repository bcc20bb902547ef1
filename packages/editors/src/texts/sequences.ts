// The token sequences of one edit: its prompt bare and in its contexts, with the target, and the subject's own prompt.
import { ErrataError, type ErrorCode } from '@errata/contracts';
import {
  asInput,
  type EncoderDecoderSpec,
  layOut,
  ModelError,
  type ModelErrorCode,
  prefixed,
  subjectLast,
  type Tokenizer,
} from '@errata/models';
import type { EditRequest } from '../editor.ts';

/** A prompt with its target, as a model that predicts the target reads it. */
export interface TargetSequence {
  /** Prompt and target without the target's last token. */
  readonly ids: readonly number[];
  /** Position whose logits predict `targetIds[0]`; the following ones predict the rest. */
  readonly targetStart: number;
  readonly targetIds: readonly number[];
  /** Over an encoder: the prompt's tokens, and what the encoder reads of them. `ids` are then what the decoder has said. */
  readonly read?: { readonly prompt: readonly number[]; readonly input: readonly number[] };
}

/** The same of an edit that names its subject. */
export interface ContextSequence extends TargetSequence {
  /** Position of the subject's last token. */
  readonly subjectLast: number;
}

/** A prompt that ends with the subject. */
export interface SubjectSequence {
  readonly ids: readonly number[];
  readonly subjectLast: number;
}

/** All sequences of one edit. */
export interface EditSequences {
  readonly custom_id: string;
  /** The bare prompt first, then one for each prefix. */
  readonly contexts: readonly [ContextSequence, ...ContextSequence[]];
  /** How many prefixes have a context, and how many the prompt did not fit behind. */
  readonly prefixes: { readonly used: number; readonly left_out: number };
  /** "{subject} is a", cut after the subject: what follows cannot reach the position where the KL term is read. */
  readonly essence: SubjectSequence;
}

/** What laying out an edit needs of a model. */
export interface SequenceSource {
  readonly tokenizer: Tokenizer;
  /** Longest sequence, in tokens. */
  readonly context: number;
  /** What reads the prompts, where that is an encoder. */
  readonly over?: EncoderDecoderSpec | undefined;
}

const codes: Partial<Record<ModelErrorCode, ErrorCode>> = {
  layout_subject_not_in_prompt: 'subject_not_in_prompt',
  layout_subject_inside_word: 'subject_not_in_prompt',
  layout_subject_unspellable: 'unspellable_text',
  layout_target_unspellable: 'unspellable_text',
};

function located(custom_id: string, error: unknown): unknown {
  if (!(error instanceof ModelError)) return error;
  const code = codes[error.code] ?? 'edit_failed';
  return new ErrataError(code, `${custom_id}: ${error.message}`, { details: { custom_id }, cause: error });
}

/**
 * Lays out prompt and target.
 * @throws ErrataError `prompt_too_long`, `subject_not_in_prompt`, `unspellable_text`, `edit_failed` naming the edit
 */
export const targetSequence = (source: SequenceSource, edit: EditRequest): TargetSequence => layOutEdit(source, edit);

/** As {@link targetSequence}, with the place of the subject. @throws ErrataError also `subject_missing` */
function contextSequence(source: SequenceSource, edit: EditRequest, prefix: string): ContextSequence {
  const { subjectLast, ...sequence } = layOutEdit(source, edit, prefix);
  if (subjectLast === undefined) throw noSubject(edit.custom_id);
  return { ...sequence, subjectLast };
}

const noSubject = (custom_id: string): ErrataError =>
  new ErrataError('subject_missing', `${custom_id}: there is no subject to edit`, { details: { custom_id } });

function layOutEdit(
  { tokenizer, context, over }: SequenceSource,
  { custom_id, prompt, target_new, subject, join }: EditRequest,
  prefix = '',
): TargetSequence & { readonly subjectLast: number | undefined } {
  try {
    const layout = layOut(tokenizer, prefixed(prefix, prompt), target_new, { subject, join });
    const ids = [...layout.promptIds, ...layout.targetIds].slice(0, -1);
    if (ids.length > context) {
      throw new ErrataError(
        'prompt_too_long',
        `${custom_id}: prompt and target are ${ids.length + 1} tokens; the model reads ${context}`,
        { details: { custom_id, tokens: ids.length + 1, context } },
      );
    }
    const { promptIds, targetIds, subjectLast } = layout;
    if (over !== undefined) {
      const { ids: before, input } = asInput(over, tokenizer, promptIds);
      const said = [...before, ...targetIds].slice(0, -1);
      return { ids: said, subjectLast, targetStart: before.length - 1, targetIds, read: { prompt: promptIds, input } };
    }
    return { ids, subjectLast, targetStart: promptIds.length - 1, targetIds };
  } catch (error) {
    throw located(custom_id, error);
  }
}

/**
 * All sequences of an edit. A prefix is left out where the prompt no longer fits the model's context behind it, or where the tokens of
 * both cannot be told apart: the bare prompt, laid out first, is what an error is about.
 * @throws ErrataError as {@link contextSequence}, for the bare prompt
 */
export function editSequences(source: SequenceSource, edit: EditRequest, prefixes: readonly string[]): EditSequences {
  const laidOut = behindPrefixes(prefixes, (prefix) => contextSequence(source, edit, prefix));
  return { custom_id: edit.custom_id, ...laidOut, essence: essenceOf(source, edit) };
}

/** The same of an edit that need not name its subject. @throws ErrataError as {@link targetSequence}, for the bare prompt */
export const targetSequences = (source: SequenceSource, edit: EditRequest, prefixes: readonly string[]) =>
  behindPrefixes(prefixes, (prefix) => layOutEdit(source, edit, prefix) as TargetSequence);

function behindPrefixes<T>(prefixes: readonly string[], layOut: (prefix: string) => T) {
  const bare = layOut('');
  const behind = prefixes.flatMap((prefix) => {
    try {
      return [layOut(prefix)];
    } catch (error) {
      if (error instanceof ErrataError) return [];
      throw error;
    }
  });
  const contexts: readonly [T, ...T[]] = [bare, ...behind];
  return { contexts, prefixes: { used: behind.length, left_out: prefixes.length - behind.length } };
}

function essenceOf({ tokenizer }: SequenceSource, { subject, custom_id }: EditRequest): SubjectSequence {
  if (subject === undefined) throw noSubject(custom_id);
  try {
    const prompt = `${subject} is a`;
    const last = subjectLast(tokenizer, prompt, subject);
    const ids = [...tokenizer.prefixIds, ...tokenizer.encode(prompt)].slice(0, last + 1);
    return { ids, subjectLast: last };
  } catch (error) {
    throw located(custom_id, error);
  }
}
