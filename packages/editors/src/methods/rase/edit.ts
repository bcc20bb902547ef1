// RASE with patches of ROME ("R-ROME").
import { edit as rome } from '../rome/edit.ts';
import { patchEditor } from './patch-editor.ts';
import type { RaseSettings } from './settings.ts';

export const edit = patchEditor<RaseSettings>(rome);
