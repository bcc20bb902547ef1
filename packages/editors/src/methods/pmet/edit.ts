// PMET: what attention and the MLP add are searched for together, and the MLP's alone is written (Li et al. 2024).
import type { Editor } from '../../editor.ts';
import { momentSolver } from '../memit/edit.ts';
import { stagesOf } from '../memit/settings.ts';
import { spreadEditor } from '../memit/spread-editor.ts';
import type { PmetSettings } from './settings.ts';

/**
 * PMET. The offset of what attention adds takes up what the edit asks of it and is dropped; layers share what is missing of the MLP's
 * output at the last of them by the square root of how many are left (equation 20).
 */
export const edit: Editor<PmetSettings> = spreadEditor<PmetSettings>({
  stages: stagesOf,
  place: { site: 'attn_and_mlp', value: 'mlpOut' },
  share: (left) => 1 / Math.sqrt(left),
  solver: momentSolver,
});
