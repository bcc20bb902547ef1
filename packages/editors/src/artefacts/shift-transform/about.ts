// Shift transforms, described: the networks that say what each token of many edits asks of a matrix (MALMEN).
import { canonicalJson, sha256 } from '@errata/contracts';
import type { ArtefactDescription } from '../description.ts';
import { shiftTransformFormat, shiftTransformOf, shiftTransformRequest } from './request.ts';

export const shiftTransform = {
  title: 'networks that say of many gradients at once what matrices are to put out, trained for the model',
  format: shiftTransformFormat,
  request: shiftTransformRequest,
  chosenBy: 'layers',
  chosen: ({ layers = [] }) => [shiftTransformOf(layers)],
  parents: () => [],
  // Without edits to train on its builder says what to do: a text is of no help.
  withoutText: () => null,
  file: (model, _, parameters) => `shift-transform/${model}/${sha256(canonicalJson(parameters))}`,
  load: () => import('#artefacts/shift-transform/build'),
} as const satisfies ArtefactDescription<typeof shiftTransformRequest>;
