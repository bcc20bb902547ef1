// Artefacts: what editors read of a model beforehand, made once.
import { z } from 'zod';
import { editorNameSchema, largestInteger, nameOrIdSchema, pathSchema } from './resource-parts.ts';

/**
 * How second moments are measured today: over the text as a whole, counting every token that the model reads. Up to `/1` each line was
 * tokenised by itself, and what a tokenizer puts in front of every text was not counted: versions that were made with such a one name
 * it and are made again with it, but no new edit takes it.
 */
export const secondMomentFormat = 'errata-second-moment/2';

export const artefactRequestSchema = z
  .strictObject({
    model: nameOrIdSchema,
    kind: z.literal('second_moment'),
    /** Layers whose keys are measured; all that the editors need by default when left out. */
    layers: z.array(z.int().min(0).max(10_000)).min(1).max(1000).optional(),
    /** Instead of layers: those that one editor needs by default. */
    editor: editorNameSchema.optional(),
    /** A text file on the worker's machine; the model's own corpus when left out. */
    corpus: pathSchema.optional(),
    /** Tokens read at most. */
    tokens: z.int().min(1).max(largestInteger).optional(),
    /**
     * Added to the diagonal before inversion, as a fraction of its mean. Statistics of fewer tokens than the keys have
     * dimensions cannot be inverted without.
     */
    ridge: z.number().positive().max(1).optional(),
  })
  .refine(({ layers, editor }) => layers === undefined || editor === undefined, {
    path: ['editor'],
    message: 'give either layers or an editor',
  })
  .meta({ id: 'ArtefactRequest' });
export type ArtefactRequest = z.input<typeof artefactRequestSchema>;

/** What of a model an artefact is about: all of it, one layer, or what else its kind says. */
export const wholeModel = 'model';
export const layerScope = (layer: number): string => `layer ${layer}`;

/** The layer of a scope that is one; null for any other. */
export function layerOfScope(scope: string): number | null {
  const [, layer] = /^layer (\d+)$/.exec(scope) ?? [];
  return layer === undefined ? null : Number(layer);
}

const needShape = {
  kind: z.string(),
  scope: z.string(),
  /** What it must have been built with; the rest is left to its kind. */
  parameters: z.record(z.string(), z.unknown()),
};

/** What an editor needs beforehand: any artefact that has all of these will do. */
export type ArtefactNeed = Readonly<z.output<z.ZodObject<typeof needShape>>>;

/** A need, and the stored artefact that is used for it. */
export const artefactUseSchema = z.object({ ...needShape, blob: z.string() });
export type ArtefactUse = Readonly<z.output<typeof artefactUseSchema>>;

export const artefactSchema = z
  .strictObject({
    id: z.string(),
    object: z.literal('artefact'),
    model_id: z.string(),
    kind: z.string(),
    /** What of the model it is about: `layer 5`, or all of it, `model`. */
    scope: z.string(),
    /** The layer of a scope that is one. */
    layer: z.int().nullable(),
    /** All that it was built with; texts by their sha256. */
    parameters: z.record(z.string(), z.unknown()),
    /** The artefacts that it was built from. */
    parents: z.array(z.string()),
    /** sha256 of its content. */
    blob: z.string(),
    bytes: z.int(),
    /** What its kind tells of it. */
    details: z.record(z.string(), z.unknown()),
    /** The job that built it. */
    job_id: z.string().nullable(),
    created_at: z.iso.datetime(),
  })
  .meta({ id: 'Artefact' });
export type ArtefactResource = z.output<typeof artefactSchema>;
