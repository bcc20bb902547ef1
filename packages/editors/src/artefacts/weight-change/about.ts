// Weight changes, described: what somebody changed of a model elsewhere.
import { wholeModel } from '@errata/contracts';
import type { ArtefactDescription } from '../description.ts';
import { weightChangeFormat, weightChangeRequest } from './request.ts';

export const weightChange = {
  title: 'changes of the weights that were made elsewhere',
  format: weightChangeFormat,
  request: weightChangeRequest,
  chosenBy: 'from',
  chosen: () => [{ kind: 'weight_change', scope: wholeModel, parameters: {} }],
  parents: () => [],
  // It is made of files that somebody names: the builder says so.
  withoutText: () => null,
  file: (model, _, { source }) => `weight-change/${model}/${source}`,
  load: () => import('#artefacts/weight-change/build'),
} as const satisfies ArtefactDescription<typeof weightChangeRequest>;
