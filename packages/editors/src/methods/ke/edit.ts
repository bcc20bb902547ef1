// KE: a reader of the edit says how its gradient is masked, scaled and shifted to become a change (De Cao et al. 2021).
import { builder } from '../../artefacts/conditioned-transform/build.ts';
import { conditionedTransformOf } from '../../artefacts/conditioned-transform/request.ts';
import type { Editor } from '../../editor.ts';
import { transformFor } from '../../hypernetworks/file.ts';
import { transformEdits } from '../../hypernetworks/transform-deltas.ts';
import { onePassEditor } from '../one-pass-editor.ts';
import type { KeSettings } from './settings.ts';

/** KE. The changes that edits ask for, each from the parent, are added. */
export const edit: Editor<KeSettings> = onePassEditor(async (input, asked, options) => {
  const { view, artefacts, config } = input;
  const stored = await artefacts.read(builder, conditionedTransformOf(config.layers));
  return transformEdits(input, transformFor(stored, view.spec), asked, config.batch_size, options);
});
