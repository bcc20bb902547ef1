// Context prefixes as they are asked for: how many of which lengths, and the seed they are drawn with.
import { type ArtefactNeed, largestInteger, wholeModel } from '@errata/contracts';
import { z } from 'zod';

export const contextPrefixFormat = 'errata-context-prefixes/1';

/** [count, length in tokens] pairs; the length counts the starter. */
export const prefixesSchema = z.array(z.tuple([z.int().min(1).max(100), z.int().min(1).max(50)])).max(5);

export const prefixRequest = z.strictObject({
  prefixes: prefixesSchema
    .optional()
    .describe('[count, length in tokens] pairs; all that the editors need by default when left out.'),
  seed: z.int().min(0).max(largestInteger).optional().describe('Of the editors that are to use them; 0 when left out.'),
});

/** What determines the prefixes of a base model. */
export interface PrefixSettings {
  readonly prefixes: z.output<typeof prefixesSchema>;
  readonly seed: number;
}

/** The prefixes of a base model under settings. */
export const contextPrefixesOf = ({ prefixes, seed }: PrefixSettings): ArtefactNeed => ({
  kind: 'context_prefixes',
  scope: wholeModel,
  parameters: { prefixes, seed },
});
