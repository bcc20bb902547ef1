// Builds and reads gradient transforms.
import { transformBuilder } from '../../hypernetworks/builder.ts';
import { transformTraining } from './request.ts';
import { transformStepper } from './step.ts';

export const builder = transformBuilder({
  kind: 'gradient_transform',
  method: 'mend',
  settings: transformTraining,
  perStep: ({ batch_size, edits_per_update }) => batch_size * edits_per_update,
  stepper: transformStepper,
});
