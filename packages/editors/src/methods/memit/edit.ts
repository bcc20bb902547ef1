// MEMIT: each layer's update by least squares against the second moment of its keys (Meng et al. 2023).
import { builder as secondMoments } from '../../artefacts/second-moment/build.ts';
import { secondMomentOf } from '../../artefacts/second-moment/request.ts';
import type { SecondMoment } from '../../artefacts/second-moment/second-moment.ts';
import type { Editor } from '../../editor.ts';
import { leastSquaresUpdate } from '../../solve/least-squares.ts';
import type { MemitSettings } from './settings.ts';
import { spreadEditor } from './spread-editor.ts';

/** MEMIT. */
export const edit: Editor<MemitSettings> = spreadEditor({
  layers: ({ layers }) => layers,
  async solver({ config, artefacts }) {
    const moments = new Map<number, SecondMoment>();
    for (const layer of config.layers) moments.set(layer, await artefacts.read(secondMoments, secondMomentOf(layer)));
    return (layer, keys, residuals) =>
      leastSquaresUpdate(keys, residuals, moments.get(layer)!, config.second_moment_weight);
  },
});
