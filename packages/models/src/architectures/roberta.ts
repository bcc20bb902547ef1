// RoBERTa (Liu et al. 2019): BERT's encoder, whose positions are counted from behind the id of padding.

import { z } from 'zod';
import { bertEncoder, bertEncoderFields } from './bert-encoder.ts';
import { encoderArchitecture } from './config.ts';

const schema = z.looseObject({
  ...bertEncoderFields,
  pad_token_id: z.number().int().nonnegative().default(1),
});

export const roberta = encoderArchitecture(schema, (c, names) =>
  bertEncoder(c, names, {
    prefix: 'roberta.',
    positions: { first: c.pad_token_id + 1, skipped: c.pad_token_id },
  }),
);
