// Deltas of weights that belong together, in one safetensors file: what was changed of a model elsewhere, as it is kept.

import { z } from 'zod';
import { encodeSafetensors, parseSafetensors } from '../files/safetensors.ts';
import { type DenseDelta, dense } from './dense.ts';
import { malformed, parseList, parseMetadata, type Tensors } from './kind.ts';
import { type LowRankDelta, lowRank } from './low-rank.ts';

/** A change of one parameter. */
export type ChangeDelta = LowRankDelta | DenseDelta;

const format = 'errata-change/1';
const metadataSchema = z.object({ format: z.literal(format), model: z.string(), deltas: z.string() });
const entrySchema = z.strictObject({ kind: z.enum(['low_rank', 'dense']), tensor: z.string().min(1) });

/**
 * Deltas as safetensors bytes, in their order; equal deltas give equal bytes.
 * @param model digest of the model whose weights they change
 * @throws ModelError delta_malformed, safetensors_non_finite
 */
export function encodeChange(model: string, deltas: readonly ChangeDelta[]): Uint8Array<ArrayBuffer> {
  const tensors: [string, Tensors[string]][] = [];
  for (const [index, delta] of deltas.entries()) {
    const { tensors: own } = delta.kind === 'dense' ? dense.encode(delta) : lowRank.encode(delta);
    for (const [part, tensor] of Object.entries(own)) tensors.push([`${index}.${part}`, tensor]);
  }
  const listed = deltas.map(({ kind, tensor }) => ({ kind, tensor }));
  return encodeSafetensors(new Map(tensors), {
    metadata: { format, model, deltas: JSON.stringify(listed) },
    where: 'change',
  });
}

/**
 * Reads {@link encodeChange}'s bytes; nothing about them is trusted.
 * @throws ModelError delta_malformed, safetensors_*
 */
export function decodeChange(
  bytes: Uint8Array,
  where = 'change',
): { readonly model: string; readonly deltas: readonly ChangeDelta[] } {
  const file = parseSafetensors(bytes, where);
  const { model, deltas: listed } = parseMetadata(metadataSchema, Object.fromEntries(file.metadata), where);
  const deltas = parseList(entrySchema, listed, where, 'deltas').map(({ kind, tensor }, index): ChangeDelta => {
    const read = (part: string, axes: number) => {
      const name = `${index}.${part}`;
      const { shape } = file.tensors.get(name) ?? malformed(where, `${name} is missing`);
      if (shape.length !== axes) malformed(where, `${name} does not have ${axes} axes`);
      return { shape, data: file.read(name) };
    };
    if (kind === 'dense') return { kind, tensor, data: read('data', 1).data };
    const [left, right] = [read('left', 2), read('right', 2)];
    if (left.shape[1] !== right.shape[0] || left.shape[1] === 0) malformed(where, 'the factors do not multiply');
    return { kind, tensor, rank: left.shape[1]!, left: left.data, right: right.data };
  });
  return { model, deltas };
}
