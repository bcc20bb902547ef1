// Demonstrations, described: edits with what they change and what they leave alone, which in-context editing shows a model beforehand.
import { canonicalJson, sha256 } from '@errata/contracts';
import type { ArtefactDescription } from '../description.ts';
import { demonstrationFormat, demonstrationRequest, demonstrationsNeed } from './request.ts';

export const demonstrations = {
  title: 'demonstrations of edits and their scope',
  format: demonstrationFormat,
  request: demonstrationRequest,
  chosenBy: 'data',
  chosen: () => [demonstrationsNeed],
  parents: () => [],
  // What they are made of is a file of edits: a text is of no help, and the builder says so.
  withoutText: () => null,
  file: (model, _, parameters) => `demonstrations/${model}/${sha256(canonicalJson(parameters))}`,
  load: () => import('#artefacts/demonstrations/build'),
} as const satisfies ArtefactDescription<typeof demonstrationRequest>;
