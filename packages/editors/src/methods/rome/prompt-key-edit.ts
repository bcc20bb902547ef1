// p-ROME: the bare prompt's key to solve with and to scale by (Gupta et al. 2024).
import type { Editor } from '../../editor.ts';
import { type KeyChoice, oneLayerEditor } from './rank-one-editor.ts';
import type { RomeSettings } from './settings.ts';

/** The bare prompt's key k0 on both sides, so that W' k0 = W k0 + offset; prefixes take part in the search for the offset alone. */
const promptKeys: KeyChoice = ({ keys }, offset) => ({ solveKey: keys[0]!, scaleKey: keys[0]!, change: offset });

/** p-ROME: surer of the prompt itself than r-ROME, and less of its rephrasings. */
export const edit: Editor<RomeSettings> = oneLayerEditor(() => promptKeys);
