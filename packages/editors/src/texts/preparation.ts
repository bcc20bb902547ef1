// What ROME and MEMIT need before their first search: a tokenizer, and prefixes of the base model.
import { ErrataError } from '@errata/contracts';
import type { Tokenizer } from '@errata/models';
import type { EditorInput } from '../editor.ts';
import { type ContextPrefixes, prefixSampler, sampleContextPrefixes } from './context-prefixes.ts';
import type { SequenceSource } from './sequences.ts';

/** @throws ErrataError `tokenizer_missing` */
export function requireTokenizer({ model }: Pick<EditorInput, 'model'>): Tokenizer {
  if (model.tokenizer) return model.tokenizer;
  throw new ErrataError('tokenizer_missing', 'edits are texts: the model needs its tokenizer');
}

/** The tokenizer and context window that sequences are laid out with. */
export const sequenceSource = (input: Pick<EditorInput, 'model'>): SequenceSource => ({
  tokenizer: requireTokenizer(input),
  context: input.model.spec.context,
});

/** The stored prefixes for these settings; sampled from the base model and stored where there are none yet. */
export function contextPrefixes(
  input: Pick<EditorInput, 'model' | 'artefacts' | 'seed'>,
  prefixes: readonly (readonly [number, number])[],
  signal?: AbortSignal,
): Promise<ContextPrefixes> {
  const { model, artefacts, seed } = input;
  const tokenizer = requireTokenizer(input);
  const settings = { prefixes, seed };
  return artefacts.contextPrefixes(settings, () =>
    sampleContextPrefixes(artefacts.model, settings, prefixSampler(model.view(), tokenizer), signal),
  );
}
