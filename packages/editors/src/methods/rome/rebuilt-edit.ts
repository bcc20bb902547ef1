// r-ROME: one key throughout (Gupta et al. 2024).
import type { Editor } from '../../editor.ts';
import { meanOf, minus, plus } from '../../solve/vectors.ts';
import { type KeyChoice, oneLayerEditor } from './rank-one-editor.ts';
import type { RebuiltSettings } from './settings.ts';

/**
 * As rebuilt: the mean key k on both sides. The offset was found as an addition to each context's own value, so `offset` gives
 * W' k = W k + offset. The reference code (`bare_value`) asks for W' k = v0 + offset, with v0 the bare prompt's value.
 */
const rebuiltKeys =
  (solveFor: RebuiltSettings['solve_for']): KeyChoice =>
  ({ keys, mlpOut }, offset) => {
    const average = meanOf(keys);
    const change = solveFor === 'offset' ? offset : minus(plus(mlpOut[0]!, offset), meanOf(mlpOut));
    return { solveKey: average, scaleKey: average, change };
  };

/** r-ROME. */
export const edit: Editor<RebuiltSettings> = oneLayerEditor(({ solve_for }) => rebuiltKeys(solve_for));
