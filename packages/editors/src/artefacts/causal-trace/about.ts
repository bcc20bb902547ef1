// Causal traces, described: where a model looks up facts that it knows.
import { canonicalJson, sha256 } from '@errata/contracts';
import type { ArtefactDescription } from '../description.ts';
import { causalTraceFormat, causalTraceNeed, causalTraceRequest } from './request.ts';

export const causalTrace = {
  title: 'causal traces of facts that the model knows, by layer and token',
  format: causalTraceFormat,
  request: causalTraceRequest,
  chosenBy: 'data',
  chosen: () => [causalTraceNeed],
  parents: () => [],
  withoutText: () => null,
  file: (model, _, parameters) => `causal-trace/${model}/${sha256(canonicalJson(parameters))}`,
  load: () => import('#artefacts/causal-trace/build'),
} as const satisfies ArtefactDescription<typeof causalTraceRequest>;
