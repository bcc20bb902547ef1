// Second moments of the keys of layers, described: C = E[k k^T], measured over a text.
import { layerOfScope } from '@errata/contracts';
import type { ArtefactDescription } from '../description.ts';
import { defaultMomentTokens, layersOf, momentRequest, secondMomentFormat, secondMomentOf } from './request.ts';

export const secondMoment = {
  title: 'second moments of the keys of layers',
  format: secondMomentFormat,
  request: momentRequest,
  chosenBy: 'layers',
  chosen: ({ layers = [] }) => layers.map(secondMomentOf),
  parents: () => [],
  withoutText(needs, { name, outdated }) {
    const layers = layersOf(needs);
    const asked = { model: name, kind: 'second_moment', layers, corpus: '/path/to/text.txt' };
    return {
      message:
        `the editor needs the second moment of the keys at layer ${layers.join(', ')} of ${name}, and the model came without a ` +
        `corpus to build it from${outdated ? ' (what is stored was measured by an earlier release, line by line)' : ''}. Build it from any text: errata artefact build ${name} --layers ${layers.join(',')} --corpus FILE ` +
        `(POST /v1/artefacts with ${JSON.stringify(asked)}); or turn it off in the editor's settings`,
      details: { layers, request: asked },
    };
  },
  file: (model, scope, { format, corpus, tokens, ridge }) =>
    `${format}/${model}/${corpus}-${layerOfScope(scope)}-${tokens ?? defaultMomentTokens}${ridge === null ? '' : `-${ridge}`}`,
  load: () => import('#artefacts/second-moment/build'),
} as const satisfies ArtefactDescription<typeof momentRequest>;
