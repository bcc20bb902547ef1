// WilKE: ROME at the layer whose knowledge an edit fits best (Hu et al. 2024).
import { type View, valueMatrix } from '@errata/models';
import type { Editor, EditorInput } from '../../editor.ts';
import { dot, multiplyVector, norm } from '../../solve/vectors.ts';
import { romeKeys } from './edit.ts';
import { type Candidate, measuredInverse, rankOneEditor } from './rank-one-editor.ts';
import type { WilkeSettings } from './settings.ts';

/** ||W_out||^2 at a layer. */
const weightSquares = (view: View, layer: number): number =>
  view.weight(valueMatrix(view.spec, layer).weight).reduce((sum, w) => sum + w * w, 0);

/** ||delta|| ||W_out||^2 / ||k||^2 with the offset delta that a search found at a layer and the bare prompt's key k there. */
function mismatch(view: View, { layer, prepared, found }: Candidate): number {
  const [key] = prepared.activations[0]!.keys;
  return (norm(found.offset) * weightSquares(view, layer)) / dot(key!, key!);
}

/** ||change|| / ||W_out|| of ROME's change at a layer, u delta^T / (k . u) with u = C^-1 of the mean key. */
async function relativeChange(
  input: EditorInput<WilkeSettings>,
  view: View,
  { layer, prepared, found }: Candidate,
): Promise<number> {
  const { solveKey, scaleKey, change } = romeKeys(prepared.activations[0]!, found.offset);
  const u = multiplyVector(await measuredInverse(input, layer), solveKey);
  return (norm(change) * norm(u)) / Math.abs(dot(scaleKey, u)) / Math.sqrt(weightSquares(view, layer));
}

/** WilKE. Which layer was chosen, and what the others scored, is among the diagnostics. */
export const edit: Editor<WilkeSettings> = rankOneEditor<WilkeSettings>({
  layers: ({ layers }) => layers,
  score: async (input, view, candidate) =>
    input.config.choose_by === 'mismatch' ? mismatch(view, candidate) : relativeChange(input, view, candidate),
  keysOf: () => romeKeys,
  inverse: measuredInverse,
});
