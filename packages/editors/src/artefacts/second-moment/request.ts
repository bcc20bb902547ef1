// Second moments as they are asked for: by layers, over a text.
import { type ArtefactNeed, largestInteger, layerOfScope, layerScope, pathSchema } from '@errata/contracts';
import { z } from 'zod';

/**
 * How second moments are measured today: over the text as a whole, counting every token that the model reads. Up to `/1` each line was
 * tokenised by itself, and what a tokenizer puts in front of every text was not counted: versions that were made with such a one name
 * it and are made again with it, but no new edit takes it.
 */
export const secondMomentFormat = 'errata-second-moment/2';

/** Tokens that a second moment is taken over unless told otherwise. */
export const defaultMomentTokens = 200_000;

export const momentRequest = z.strictObject({
  layers: z
    .array(z.int().min(0).max(10_000))
    .min(1)
    .max(1000)
    .optional()
    .describe('Layers whose keys are measured; all that the editors need by default when left out.'),
  corpus: pathSchema.optional().describe("A text file on the worker's machine; the model's own corpus when left out."),
  tokens: z.int().min(1).max(largestInteger).optional().describe('Tokens of the text read at most.'),
  ridge: z
    .number()
    .positive()
    .max(1)
    .optional()
    .describe(
      'Added to the diagonal before inversion, as a fraction of its mean. Statistics of fewer tokens than the keys have dimensions cannot be inverted without.',
    ),
});

/** What a request says of how they are measured. */
export type MomentFields = z.output<typeof momentRequest>;

/** The second moment of a layer's keys. */
export const secondMomentOf = (layer: number): ArtefactNeed => ({
  kind: 'second_moment',
  scope: layerScope(layer),
  parameters: {},
});

export const layersOf = (needs: readonly ArtefactNeed[]): readonly number[] =>
  needs.map(({ scope }) => layerOfScope(scope)!);
