// Builds and reads shift transforms.
import { transformBuilder } from '../../hypernetworks/builder.ts';
import { shiftTraining } from './request.ts';
import { shiftStepper } from './step.ts';

export const builder = transformBuilder({
  kind: 'shift_transform',
  method: 'malmen',
  settings: shiftTraining,
  perStep: ({ edits_per_update }) => edits_per_update,
  stepper: shiftStepper,
});
