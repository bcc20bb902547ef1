// WilKE: ROME at the layer whose knowledge an edit fits best (Hu et al. 2024).
import { type View, valueMatrix } from '@errata/models';
import type { Editor } from '../../editor.ts';
import { dot, norm } from '../../solve/vectors.ts';
import { romeKeys } from './edit.ts';
import { type Candidate, measuredInverse, rankOneEditor } from './rank-one-editor.ts';
import type { WilkeSettings } from './settings.ts';

/** ||delta|| ||W_out||^2 / ||k||^2 with the offset delta that a search found at a layer and the bare prompt's key k there. */
function misfit(view: View, { layer, prepared, found }: Candidate): number {
  const weights = view.weight(valueMatrix(view.spec, layer).weight);
  const [key] = prepared.activations[0]!.keys;
  return (norm(found.offset) * weights.reduce((sum, w) => sum + w * w, 0)) / dot(key!, key!);
}

/** WilKE. Which layer was chosen, and what the others scored, is among the diagnostics. */
export const edit: Editor<WilkeSettings> = rankOneEditor<WilkeSettings>({
  layers: ({ layers }) => layers,
  score: misfit,
  keysOf: () => romeKeys,
  inverse: measuredInverse,
});
