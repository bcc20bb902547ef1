// Counterfactual models, described: what says which prompts a correction is about, and answers these in the model's place (SERAC).
import { canonicalJson, sha256 } from '@errata/contracts';
import type { ArtefactDescription } from '../description.ts';
import { counterfactualModelFormat, counterfactualModelNeed, counterfactualModelRequest } from './request.ts';

export const counterfactualModel = {
  title: 'scope classifiers with counterfactual models, trained for the model',
  format: counterfactualModelFormat,
  request: counterfactualModelRequest,
  chosenBy: 'data',
  chosen: () => [counterfactualModelNeed],
  parents: () => [],
  // Without edits to train on its builder says what to do: a text is of no help.
  withoutText: () => null,
  file: (model, _, parameters) => `counterfactual-model/${model}/${sha256(canonicalJson(parameters))}`,
  load: () => import('#artefacts/counterfactual-model/build'),
} as const satisfies ArtefactDescription<typeof counterfactualModelRequest>;
