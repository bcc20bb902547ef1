// What a person should know of a model that can be read: what of it is not, or not as it stands in the files.

import type { DecoderSpec } from '../architectures/spec.ts';
import type { Checkpoint } from './checkpoint.ts';

/** What older versions of transformers stored beside weights: tables and masks that follow from the sizes of a model. */
const buffers = [/(^|\.)rotary_emb\.inv_freq$/, /(^|\.)(attn|attention)\.(masked_)?bias$/, /(^|\.)position_ids$/];

/** A head that is the embedding may be stored once more. */
const head = /(^|\.)(lm_head|embed_out)\.weight$/;

/** Names of the tensors that the model does not read, without those that follow from others. An edited checkpoint carries them unchanged. */
export function unreadTensors(
  spec: Pick<DecoderSpec, 'parameters' | 'tied'>,
  names: readonly string[],
): readonly string[] {
  return names.filter(
    (name) =>
      !spec.parameters.has(name) && !buffers.some((buffer) => buffer.test(name)) && !(spec.tied && head.test(name)),
  );
}

const shownNames = 5;

const listed = (names: readonly string[]): string =>
  `${names.slice(0, shownNames).join(', ')}${names.length > shownNames ? ` and ${names.length - shownNames} more` : ''}`;

/** The remarks on an opened checkpoint, each a sentence without a final stop; none on most. */
export function remarksOn(spec: DecoderSpec, { tensors, tokenizer }: Checkpoint): readonly string[] {
  const remarks: string[] = [];
  const unread = unreadTensors(spec, tensors.names);
  if (unread.length > 0) {
    const [count, what] = unread.length === 1 ? ['1 tensor is', 'it is'] : [`${unread.length} tensors are`, 'they are'];
    remarks.push(`${count} not read, since ${what} no part of a ${spec.family} model: ${listed(unread)}`);
  }
  if (tensors.prefix !== '') {
    remarks.push(`every tensor is named behind ${JSON.stringify(tensors.prefix)}, and is read without that`);
  }
  const beyond = [...(tokenizer?.addedTokens.keys() ?? [])].filter((id) => id >= spec.vocab);
  if (beyond.length > 0) {
    const names = beyond.map((id) => JSON.stringify(tokenizer!.idToToken(id)));
    remarks.push(
      `no embedding has a row for ${listed(names)}: texts with ${beyond.length === 1 ? 'it' : 'them'} are refused`,
    );
  }
  return remarks;
}
