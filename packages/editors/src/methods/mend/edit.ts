// MEND: a gradient of one pass, in its factors, through trained networks that make of it a change that lasts (Mitchell et al. 2022).
import { builder } from '../../artefacts/gradient-transform/build.ts';
import { gradientTransformOf } from '../../artefacts/gradient-transform/request.ts';
import type { Editor } from '../../editor.ts';
import { transformFor } from '../../hypernetworks/file.ts';
import { transformEdits } from '../../hypernetworks/transform-deltas.ts';
import { onePassEditor } from '../one-pass-editor.ts';
import type { MendSettings } from './settings.ts';

/** MEND. The changes that edits ask for, each from the parent, are added. */
export const edit: Editor<MendSettings> = onePassEditor(async (input, asked, options) => {
  const { view, artefacts, config } = input;
  const stored = await artefacts.read(builder, gradientTransformOf(config.layers));
  return transformEdits(input, transformFor(stored, view.spec), asked, config.batch_size, options);
});
