// Artefacts: what editors read of a model beforehand, made once.
import { z } from 'zod';
import type { Priority } from './resource-parts.ts';

/** A request for artefacts. What else it may say, the kind says (`ArtefactRequest` in the document of the API). */
export interface ArtefactRequest {
  /** Name or id. */
  readonly model: string;
  readonly kind: string;
  /** Instead of choosing: those that one editor needs by default. */
  readonly editor?: string;
  readonly priority?: Priority;
  readonly [field: string]: unknown;
}

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
