// Which layers editors choose, and the families whose defaults are one another's.
import { z } from 'zod';
import type { Misfit, ModelShape } from '../description.ts';

/** Index of a layer, from 0. */
export const layerSchema = z.int().min(0);

/** Several layers, ascending. */
export const layersSchema = z
  .array(layerSchema)
  .min(1)
  .max(64)
  .refine((layers) => layers.every((each, index) => index === 0 || each > layers[index - 1]!), 'must ascend')
  .describe('Where the edits are made, in ascending order; values are searched for at the last.');

/** Families of one design (RMSNorm, rotary positions, gated MLPs): what was found for Llama is the best guess for the others. */
export const gatedDecoders = ['llama', 'mistral', 'phi3', 'qwen2', 'qwen3', 'smollm3'] as const;

/** How the sources of defaults for {@link gatedDecoders} end. */
export const alike = `${gatedDecoders.slice(1, -1).join(', ')} and ${gatedDecoders.at(-1)} by their likeness to it`;

/** The layer at a fraction of the depth. */
export const at = (fraction: number, { layers }: ModelShape): number =>
  Math.min(layers - 1, Math.round(fraction * (layers - 1)));

/** The same, with at least one layer after it where the model has two. */
export const atBeforeLast = (fraction: number, shape: ModelShape): number =>
  Math.max(0, Math.min(shape.layers - 2, at(fraction, shape)));

/** Whole numbers from one to another, both included. */
export const range = (from: number, to: number): readonly number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);

/** The five layers that end at one, or as many as there are. */
export const fiveTo = (last: number): readonly number[] => range(Math.max(0, last - 4), last);

/** A layer among those chosen that the model does not have. */
export function missingLayer(field: string, chosen: readonly number[], { layers }: ModelShape): Misfit | undefined {
  const beyond = chosen.find((layer) => layer >= layers);
  if (beyond === undefined) return undefined;
  return { field, message: `layer ${beyond} does not exist: the model has layers 0 to ${layers - 1}` };
}
