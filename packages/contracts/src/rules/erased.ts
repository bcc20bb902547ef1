// What stays of an edit whose text was erased: a record of the same shape without a word of what was asked or answered.
import type { Edit } from '../wire/edits.ts';
import type { CaseResult } from '../wire/evaluations.ts';
import type { EditResult } from '../wire/results.ts';

const erased = '(erased)';

/** Kinds of delta, and whether they hold corrections in words, or in tokens, which are as good. */
export const holdsWords = {
  low_rank: false,
  dense: false,
  neurons: false,
  codebook: true,
  codebook_rows: true,
  lora_blocks: true,
  lora_block: true,
  side_memory: false,
  side_change: false,
  text_rows: true,
  aligned_rows: true,
  embedded_rows: true,
  prompt_rows: true,
  scoped_rows: true,
  patch_rows: true,
  edited_keys: false,
  feature_statistics: false,
} as const;

export const wordyDeltas: readonly string[] = Object.entries(holdsWords).flatMap(([kind, words]) =>
  words ? [kind] : [],
);

export const erasedEdit = (id: string): Edit => ({
  custom_id: id,
  prompt: erased,
  target_new: erased,
  rephrases: [],
  locality: {},
  portability: {},
});

const without = <R extends { readonly code: string }>(reason: R) => ({ code: reason.code, message: erased });

/** A result with its numbers alone. */
export const erasedResult = (id: string, { refusal, unmeasured, error, ...result }: EditResult): EditResult => ({
  ...result,
  custom_id: id,
  error: error === null ? null : without(error),
  ...(unmeasured === undefined ? {} : { unmeasured: without(unmeasured) }),
  ...(refusal === undefined ? {} : { refusal: { ...refusal, reasons: [] } }),
  answer_before: '',
  answer_after: '',
  diagnostics: {},
});

/** The same of a case of an evaluation. */
export const erasedCase = (
  id: string,
  { error, target, answer_before, answer_after, ...result }: CaseResult,
): CaseResult => ({
  ...result,
  custom_id: id,
  prompt: erased,
  target: target === null ? null : erased,
  error: error === null ? null : without(error),
  answer_before: answer_before === null ? null : '',
  answer_after: answer_after === null ? null : '',
  regressions: [],
});
