// MALMEN: trained networks say what each target token of many edits asks of a map, and least squares bring it together (Tan et al. 2024).
import { builder } from '../../artefacts/shift-transform/build.ts';
import { shiftTransformOf } from '../../artefacts/shift-transform/request.ts';
import type { Editor } from '../../editor.ts';
import { transformFor } from '../../hypernetworks/file.ts';
import { transformEdits } from '../../hypernetworks/transform-deltas.ts';
import { onePassEditor } from '../one-pass-editor.ts';
import type { MalmenSettings } from './settings.ts';

/** MALMEN. All edits of a batch are solved for together. */
export const edit: Editor<MalmenSettings> = onePassEditor(async (input, asked, options) => {
  const { view, artefacts, config } = input;
  const stored = await artefacts.read(builder, shiftTransformOf(config.layers));
  return transformEdits(input, transformFor(stored, view.spec), asked, config.batch_size, options);
});
