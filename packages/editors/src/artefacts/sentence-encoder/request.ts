// Sentence encoders as they are asked for: the directory of one.
import { type ArtefactNeed, pathSchema, wholeModel } from '@errata/contracts';
import { z } from 'zod';

export const sentenceEncoderFormat = 'errata-sentence-encoder/1';

export const sentenceEncoderRequest = z.strictObject({
  encoder: pathSchema
    .optional()
    .describe(
      "Directory of a BERT, RoBERTa or DistilBERT that makes vectors of sentences, as all-MiniLM-L6-v2, on the worker's machine; when left out, the one that the model brought along is taken.",
    ),
});
export type SentenceEncoderFields = z.output<typeof sentenceEncoderRequest>;

/** What makes vectors of prompts. */
export const sentenceEncoderNeed: ArtefactNeed = { kind: 'sentence_encoder', scope: wholeModel, parameters: {} };
