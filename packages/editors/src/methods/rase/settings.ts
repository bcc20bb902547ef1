// The settings of RASE: those of the editor that makes the patches, and of the gate in front of them.
import { z } from 'zod';
import { promptTokensSchema } from '../../artefacts/knowledge-encoder/request.ts';
import { romeSettings } from '../rome/settings.ts';
import { tPatcherSettings } from '../t-patcher/settings.ts';

const gate = {
  prompt_tokens: promptTokensSchema.describe(
    'Which knowledge encoder of the model reads corrections and prompts: the one that was trained to make so many continuous prompts, which are not looked at here.',
  ),
  threshold: z
    .number()
    .min(-1)
    .max(1)
    .describe(
      'The cosine of a prompt and its nearest correction that must be exceeded for the patch to speak. `lead` and `spread` together let it speak below it.',
    ),
  lead: z
    .number()
    .min(0)
    .max(2)
    .describe('By how much the nearest correction must be ahead of the second there; 2 lets none speak so.'),
  spread: z
    .number()
    .min(0)
    .max(2)
    .describe('What the standard deviation of the cosines of the nearest `among` corrections must exceed there.'),
  among: z.int().min(2).max(1000).describe('Corrections whose cosines are held against one another there.'),
};

export const raseSettings = romeSettings.extend(gate);
export type RaseSettings = z.output<typeof raseSettings>;

export const rPatcherSettings = tPatcherSettings.extend(gate);
export type RPatcherSettings = z.output<typeof rPatcherSettings>;

export type GateSettings = { readonly [K in keyof typeof gate]: z.output<(typeof gate)[K]> };
