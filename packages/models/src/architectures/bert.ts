// BERT (Devlin et al. 2019).

import { z } from 'zod';
import { bertEncoder, bertEncoderFields } from './bert-encoder.ts';
import { encoderArchitecture } from './config.ts';

export const bert = encoderArchitecture(z.looseObject(bertEncoderFields), (c, names) =>
  bertEncoder(c, names, { prefix: 'bert.', positions: { first: 0, skipped: null } }),
);
