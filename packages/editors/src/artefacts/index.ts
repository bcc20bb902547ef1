// The kinds of artefact by name, a line each: the one place that lists them.
import { ErrataError, quoted } from '@errata/contracts';
import { alignment } from './alignment/about.ts';
import { causalTrace } from './causal-trace/about.ts';
import { conditionedTransform } from './conditioned-transform/about.ts';
import { contextPrefixes } from './context-prefixes/about.ts';
import { counterfactualModel } from './counterfactual-model/about.ts';
import { demonstrations } from './demonstrations/about.ts';
import type { ArtefactDescription } from './description.ts';
import { eigenbasis } from './eigenbasis/about.ts';
import { gradientTransform } from './gradient-transform/about.ts';
import { knowledgeEncoder } from './knowledge-encoder/about.ts';
import { secondMoment } from './second-moment/about.ts';
import { sentenceEncoder } from './sentence-encoder/about.ts';
import { shiftTransform } from './shift-transform/about.ts';
import { weightChange } from './weight-change/about.ts';

const artefactKinds = {
  second_moment: secondMoment,
  eigenbasis,
  context_prefixes: contextPrefixes,
  causal_trace: causalTrace,
  knowledge_encoder: knowledgeEncoder,
  counterfactual_model: counterfactualModel,
  alignment,
  gradient_transform: gradientTransform,
  shift_transform: shiftTransform,
  conditioned_transform: conditionedTransform,
  demonstrations,
  sentence_encoder: sentenceEncoder,
  weight_change: weightChange,
} as const satisfies Readonly<Record<string, ArtefactDescription>>;

export type ArtefactKind = keyof typeof artefactKinds;
export const artefactKindNames = Object.keys(artefactKinds) as ArtefactKind[];

/** What a kind of artefact says of itself. @throws ErrataError `invalid_request` */
export function describeArtefact(kind: string): ArtefactDescription {
  if (Object.hasOwn(artefactKinds, kind)) return artefactKinds[kind as ArtefactKind];
  throw new ErrataError(
    'invalid_request',
    `unknown kind of artefact ${quoted(kind)}; there are ${artefactKindNames.join(', ')}`,
  );
}
