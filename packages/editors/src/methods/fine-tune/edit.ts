// FT-M and FT-L: gradient descent on one MLP matrix, the rest of the model frozen.
import { valueMatrix } from '@errata/models';
import type { Editor } from '../../editor.ts';
import { trainingEditor } from '../../training/train-on-targets.ts';
import type { FineTuneSettings } from './settings.ts';
import { tuningOf } from './tuning.ts';

/** FT-M and FT-L: which of the two is in the settings (`objective`, `norm_constraint`). */
export const edit: Editor<FineTuneSettings> = trainingEditor((view, settings) => {
  const { layer } = settings;
  return tuningOf(view, [{ layer, matrix: valueMatrix(view.spec, layer) }], settings);
});
