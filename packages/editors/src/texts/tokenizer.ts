// The tokenizer that a model must have for its edits, which are texts.
import { ErrataError } from '@errata/contracts';
import type { Model, Tokenizer } from '@errata/models';
import type { SequenceSource } from './sequences.ts';

/** @throws ErrataError `tokenizer_missing` */
export function requireTokenizer({ model }: { readonly model: Model }): Tokenizer {
  if (model.tokenizer) return model.tokenizer;
  throw new ErrataError('tokenizer_missing', 'edits are texts: the model needs its tokenizer');
}

/** The tokenizer and context window that sequences are laid out with. */
export const sequenceSource = (input: { readonly model: Model }): SequenceSource => ({
  tokenizer: requireTokenizer(input),
  context: input.model.spec.context,
  over: input.model.spec.over,
});
