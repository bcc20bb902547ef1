// Training a conditioned transform against a transcription in PyTorch.
import { describe, expect, it } from 'vitest';
import { expectOracleStep } from '../../hypernetworks/oracle-step.fixture.ts';
import { conditionedTraining } from './request.ts';
import { conditionedStepper, marginAfter } from './step.ts';

const ke = {
  editor: 'ke',
  transforms: 'conditioned-transform',
  settings: conditionedTraining,
  stepper: conditionedStepper,
};

describe.each(['gpt2', 'llama'])('a conditioned transform for %s', (name) => {
  it.each([1, 3])('takes the step that the transcription takes, %i edits an update', (edits_per_update) =>
    expectOracleStep(name, ke, edits_per_update),
  );
});

it('has a margin that falls by a fifth for every checkpoint by which nine in ten edits hold, to the smallest', () => {
  const margins = { largest_margin: 1, smallest_margin: 0.6 };
  const after = (...reliabilities: number[]) =>
    marginAfter(
      reliabilities.map((reliability) => ({ reliability })),
      margins,
    );
  expect([after(), after(0.5), after(0.95, 0.5), after(0.95, 0.5, 0.91), after(1, 1, 1)]).toEqual(
    [1, 1, 0.8, 0.64, 0.6].map((margin) => expect.closeTo(margin)),
  );
});
