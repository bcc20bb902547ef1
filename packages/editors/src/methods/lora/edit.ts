// LoRA: maps get a change of low rank, A B, trained on the targets while the model itself stays as it is (Hu et al. 2021).
import type { Editor } from '../../editor.ts';
import { adaptersOf } from '../../training/adapters.ts';
import { trainingEditor } from '../../training/train-on-targets.ts';
import type { LoraSettings } from './settings.ts';

/** LoRA. */
export const edit: Editor<LoraSettings> = trainingEditor(({ spec }, settings, seed) => {
  const { deltasOf, ...adapters } = adaptersOf(spec, settings, seed);
  const weights = new Map(adapters.parameters.map(({ name, values }) => [name, values]));
  return { ...adapters, objective: 'target_new', deltas: () => deltasOf(weights) };
});
