// Knowledge encoders, described: what reads corrections and the prompts that may ask for them, and writes continuous prompts (RECIPE).
import { canonicalJson, sha256 } from '@errata/contracts';
import type { ArtefactDescription } from '../description.ts';
import { knowledgeEncoderFormat, knowledgeEncoderOf, knowledgeEncoderRequest } from './request.ts';

export const knowledgeEncoder = {
  title: 'encoders of corrections and queries, trained for the model',
  format: knowledgeEncoderFormat,
  request: knowledgeEncoderRequest,
  chosenBy: 'prompt_tokens',
  chosen: ({ prompt_tokens = 3 }) => [knowledgeEncoderOf(prompt_tokens)],
  parents: () => [],
  // Without edits to train on its builder says what to do: a text is of no help.
  withoutText: () => null,
  file: (model, _, parameters) => `knowledge-encoder/${model}/${sha256(canonicalJson(parameters))}`,
  load: () => import('#artefacts/knowledge-encoder/build'),
} as const satisfies ArtefactDescription<typeof knowledgeEncoderRequest>;
