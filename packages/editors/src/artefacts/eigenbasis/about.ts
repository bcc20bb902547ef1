// Eigenvectors of the second moments of keys, described: which directions the text's keys have, and which they hardly have.
import { layerOfScope } from '@errata/contracts';
import type { ArtefactDescription } from '../description.ts';
import { defaultMomentTokens, momentRequest, secondMomentOf } from '../second-moment/request.ts';
import { eigenbasisFormat, eigenbasisOf } from './request.ts';

export const eigenbasis = {
  title: 'eigenvectors of the second moments of keys',
  format: eigenbasisFormat,
  request: momentRequest,
  chosenBy: 'layers',
  chosen: ({ layers = [] }) => layers.map(eigenbasisOf),
  parents: ({ scope }) => [secondMomentOf(layerOfScope(scope)!)],
  // The text is what the second moments are taken over.
  withoutText: () => null,
  file: (model, scope, { format, corpus, tokens, ridge }) =>
    `${format}/${model}/${corpus}-${layerOfScope(scope)}-${tokens ?? defaultMomentTokens}${ridge === null ? '' : `-${ridge}`}`,
  load: () => import('#artefacts/eigenbasis/build'),
} as const satisfies ArtefactDescription<typeof momentRequest>;
