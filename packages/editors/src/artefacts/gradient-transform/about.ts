// Gradient transforms, described: the networks that make of one gradient a change that lasts (MEND).
import { canonicalJson, sha256 } from '@errata/contracts';
import type { ArtefactDescription } from '../description.ts';
import { gradientTransformFormat, gradientTransformOf, gradientTransformRequest } from './request.ts';

export const gradientTransform = {
  title: 'networks that make changes of gradients, trained for the model',
  format: gradientTransformFormat,
  request: gradientTransformRequest,
  chosenBy: 'layers',
  chosen: ({ layers = [] }) => [gradientTransformOf(layers)],
  parents: () => [],
  // Without edits to train on its builder says what to do: a text is of no help.
  withoutText: () => null,
  file: (model, _, parameters) => `gradient-transform/${model}/${sha256(canonicalJson(parameters))}`,
  load: () => import('#artefacts/gradient-transform/build'),
} as const satisfies ArtefactDescription<typeof gradientTransformRequest>;
