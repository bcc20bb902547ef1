// Builds and reads conditioned transforms.
import { transformBuilder } from '../../hypernetworks/builder.ts';
import { conditionedTraining } from './request.ts';
import { conditionedStepper } from './step.ts';

export const builder = transformBuilder({
  kind: 'conditioned_transform',
  method: 'ke',
  settings: conditionedTraining,
  perStep: ({ batch_size, edits_per_update }) => batch_size * edits_per_update,
  stepper: conditionedStepper,
});
