// What an MLP must put out for the residual stream to gain a vector, where a norm is behind it.
import type { View } from '@errata/models';

/** Dimensions whose scale is below this share of the mean one are left alone: next to nothing of a change would come through. */
const closed = 0.1;

/**
 * The change of W_out's output that adds a vector to the residual stream: the vector itself or, behind an RMS norm of scale g,
 * that times rms(o)/g, and nothing where g is (next to) zero, as it is in some dimensions of published models. Where no g is, the
 * norm of the changed output points exactly where it should; its length the norm decides.
 * @param output o, what the MLP puts out before, length d
 * @param added what the stream is to gain, length d
 */
export function outputChange(view: View, layer: number, output: Float64Array, added: Float64Array): Float64Array {
  const norm = view.spec.blocks[layer]?.mlpOutputNorm;
  if (norm === undefined) return added;
  const { weight, offset = 0 } = norm;
  const scale = Float64Array.from(view.weight(weight), (w) => w + offset);
  const least = (closed * scale.reduce((sum, g) => sum + Math.abs(g), 0)) / scale.length;
  const root = Math.sqrt(output.reduce((sum, x) => sum + x * x, 0) / output.length + view.spec.norm.epsilon);
  return added.map((x, i) => (Math.abs(scale[i]!) < least ? 0 : (x * root) / scale[i]!));
}
