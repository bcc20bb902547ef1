// Alignments, described: changes of a model's weights under which it goes by the information before a query, where the query is about it (LTE).
import { canonicalJson, sha256 } from '@errata/contracts';
import type { ArtefactDescription } from '../description.ts';
import { alignmentFormat, alignmentNeed, alignmentRequest } from './request.ts';

export const alignment = {
  title: 'changes of the weights that make a model go by the corrections before its prompts',
  format: alignmentFormat,
  request: alignmentRequest,
  chosenBy: 'data',
  chosen: () => [alignmentNeed],
  parents: () => [],
  // Without edits to train on its builder says what to do: a text is of no help.
  withoutText: () => null,
  file: (model, _, parameters) => `alignment/${model}/${sha256(canonicalJson(parameters))}`,
  load: () => import('#artefacts/alignment/build'),
} as const satisfies ArtefactDescription<typeof alignmentRequest>;
