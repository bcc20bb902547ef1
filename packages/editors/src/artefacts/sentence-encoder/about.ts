// Sentence encoders, described: what finds corrections by the meaning of prompts.
import { canonicalJson, sha256 } from '@errata/contracts';
import type { ArtefactDescription } from '../description.ts';
import { sentenceEncoderFormat, sentenceEncoderNeed, sentenceEncoderRequest } from './request.ts';

export const sentenceEncoder = {
  title: 'encoders that make vectors of sentences',
  format: sentenceEncoderFormat,
  request: sentenceEncoderRequest,
  chosenBy: 'encoder',
  chosen: () => [sentenceEncoderNeed],
  parents: () => [],
  // It is made of a checkpoint: a text is of no help, and the builder says so.
  withoutText: () => null,
  file: (model, _, parameters) => `sentence-encoder/${model}/${sha256(canonicalJson(parameters))}`,
  load: () => import('#artefacts/sentence-encoder/build'),
} as const satisfies ArtefactDescription<typeof sentenceEncoderRequest>;
