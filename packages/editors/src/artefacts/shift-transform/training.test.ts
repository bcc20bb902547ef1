// Training a shift transform against a transcription in PyTorch.
import { describe, it } from 'vitest';
import { expectOracleStep } from '../../hypernetworks/oracle-step.fixture.ts';
import { shiftTraining } from './request.ts';
import { shiftStepper } from './step.ts';

const malmen = {
  editor: 'malmen',
  transforms: 'shift-transform',
  settings: shiftTraining,
  stepper: shiftStepper,
};

describe.each(['gpt2', 'llama'])('a shift transform for %s', (name) => {
  it.each([2, 3])('takes the step that the transcription takes, with %i edits in a run', (run_size) =>
    expectOracleStep(name, malmen, 3, { run_size }),
  );
});
