// EMMET: one layer's update by equality constraints, loosened by alpha where there are several (Gupta et al. 2024).
import { ErrataError } from '@errata/contracts';
import { GraphError } from '@errata/graph';
import { builder as secondMoments } from '../../artefacts/second-moment/build.ts';
import { secondMomentOf } from '../../artefacts/second-moment/request.ts';
import type { Editor } from '../../editor.ts';
import { leastSquaresUpdate } from '../../solve/least-squares.ts';
import { leverages, weightOf } from '../../solve/share.ts';
import type { EmmetSettings } from './settings.ts';
import { equalShares, spreadEditor } from './spread-editor.ts';

/**
 * Delta = R (K^T C^-1 K + alpha I)^-1 K^T C^-1 (equation 12): with the least ||Delta C^(1/2)|| every key gains its residual. It equals
 * R K^T (alpha C + K K^T)^-1. One edit alone needs no alpha: that is r-ROME.
 */
export const edit: Editor<EmmetSettings> = spreadEditor<EmmetSettings>({
  ...equalShares,
  stages: ({ layer }) => [[layer]],
  async solver({ config: { layer, alpha }, artefacts }) {
    const moment = await artefacts.read(secondMoments, secondMomentOf(layer));
    return async (_, keys, residuals) => {
      try {
        const weight = await weightOf(keys.length > 1 ? alpha : 0, () => leverages(keys, moment.inverse));
        return await leastSquaresUpdate(keys, residuals, moment, weight);
      } catch (cause) {
        if (!(cause instanceof GraphError && cause.code === 'not_positive_definite')) throw cause;
        throw new ErrataError(
          'edit_failed',
          `the keys of these ${keys.length} edits depend on one another, and cannot all be given their values: give alpha above 0`,
          { cause },
        );
      }
    };
  },
});
