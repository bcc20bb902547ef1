// RASE with patches of T-Patcher's neurons ("R-Patcher").
import { edit as tPatcher } from '../t-patcher/edit.ts';
import { patchEditor } from './patch-editor.ts';
import type { RPatcherSettings } from './settings.ts';

export const edit = patchEditor<RPatcherSettings>(tPatcher);
