// Training a gradient transform against a transcription in PyTorch.
import { describe, it } from 'vitest';
import { expectOracleStep } from '../../hypernetworks/oracle-step.fixture.ts';
import { transformTraining } from './request.ts';
import { transformStepper } from './step.ts';

const mend = {
  editor: 'mend',
  transforms: 'gradient-transform',
  settings: transformTraining,
  stepper: transformStepper,
};

describe.each(['gpt2', 'llama'])('a gradient transform for %s', (name) => {
  it.each([1, 3])('takes the step that the transcription takes, %i edits an update', (edits_per_update) =>
    expectOracleStep(name, mend, edits_per_update),
  );
});
