// Conditioned transforms, described: the networks that read an edit and say how its gradient becomes a change (KE).
import { canonicalJson, sha256 } from '@errata/contracts';
import type { ArtefactDescription } from '../description.ts';
import { conditionedTransformFormat, conditionedTransformOf, conditionedTransformRequest } from './request.ts';

export const conditionedTransform = {
  title: 'networks that read edits and make changes of their gradients, trained for the model',
  format: conditionedTransformFormat,
  request: conditionedTransformRequest,
  chosenBy: 'layers',
  chosen: ({ layers = [] }) => [conditionedTransformOf(layers)],
  parents: () => [],
  // Without edits to train on its builder says what to do: a text is of no help.
  withoutText: () => null,
  file: (model, _, parameters) => `conditioned-transform/${model}/${sha256(canonicalJson(parameters))}`,
  load: () => import('#artefacts/conditioned-transform/build'),
} as const satisfies ArtefactDescription<typeof conditionedTransformRequest>;
