// MEMIT: each layer's update by least squares against the second moment of its keys (Meng et al. 2023).
import { builder as secondMoments } from '../../artefacts/second-moment/build.ts';
import { secondMomentOf } from '../../artefacts/second-moment/request.ts';
import type { SecondMoment } from '../../artefacts/second-moment/second-moment.ts';
import type { Editor, EditorInput } from '../../editor.ts';
import { leastSquaresUpdate } from '../../solve/least-squares.ts';
import { leverages, weightOf } from '../../solve/share.ts';
import { editedLayers, type MemitSettings, stagesOf } from './settings.ts';
import { equalShares, type SolveLayer, spreadEditor } from './spread-editor.ts';

/** Solves with the second moments of the edited layers and their weight (MEMIT, equation 14). */
export async function momentSolver({ config, artefacts }: EditorInput<MemitSettings>): Promise<SolveLayer> {
  const moments = new Map<number, SecondMoment>();
  for (const layer of editedLayers(config))
    moments.set(layer, await artefacts.read(secondMoments, secondMomentOf(layer)));
  return async (layer, keys, residuals) => {
    const moment = moments.get(layer)!;
    const weight = await weightOf(config.second_moment_weight, () => leverages(keys, moment.inverse));
    return leastSquaresUpdate(keys, residuals, moment, weight);
  };
}

/** MEMIT. */
export const edit: Editor<MemitSettings> = spreadEditor<MemitSettings>({
  ...equalShares,
  stages: stagesOf,
  solver: momentSolver,
});
