// Models as they are imported and listed.
import { z } from 'zod';
import { defaultProject } from './projects.ts';
import { metadataSchema, nameOrIdSchema, nameSchema, pathSchema, storedMetadataSchema } from './resource-parts.ts';

export const importRequestSchema = z
  .strictObject({
    name: nameSchema,
    /** What to import: a path on the worker's machine (a directory in Hugging Face layout, a GGUF file, the directory of a LoRA adapter), or `hf:ORG/NAME[@REVISION]`. */
    path: pathSchema,
    /** The model that an adapter is merged onto, instead of the one that it names. */
    base: pathSchema.optional(),
    /** The project that will own it, by name or id. */
    project: nameOrIdSchema.default(defaultProject.name),
    metadata: metadataSchema.optional(),
  })
  .meta({ id: 'ImportRequest' });
export type ImportRequest = z.input<typeof importRequestSchema>;

/** One of the things that a model came from. */
export const modelOriginSchema = z
  .strictObject({
    /** As it was given, or as an adapter names it. */
    reference: z.string(),
    format: z.enum(['safetensors', 'gguf', 'adapter']),
    /** Of a model of the hub: the commit that was imported. */
    commit: z.string().optional(),
  })
  .meta({ id: 'ModelOrigin' });
export type ModelOrigin = z.output<typeof modelOriginSchema>;

export const modelSchema = z.strictObject({
  id: z.string(),
  object: z.literal('model'),
  name: z.string(),
  project_id: z.string(),
  digest: z.string(),
  model_type: z.string(),
  parameters: z.int(),
  layers: z.int(),
  width: z.int(),
  vocabulary: z.int(),
  context: z.int(),
  has_tokenizer: z.boolean(),
  /** What was imported, then what that was merged onto; empty for models that were imported before this was kept. */
  origin: z.array(modelOriginSchema),
  metadata: storedMetadataSchema,
  created_at: z.iso.datetime(),
});
export type ModelResource = z.output<typeof modelSchema>;

/**
 * A model under one of the names that completions take, as clients of the widespread completion API list it, and open about what has been
 * edited. A list has an entry for each model and one for each branch beside `main`, alias and tag.
 */
export const listedModelSchema = modelSchema
  .extend({
    /** What completions take as `model`: the model's name, or `name@branch`, `name@alias`, `name@tag`; retrieved, also `name@ver_...`. */
    id: z.string(),
    /** The model's id, which other resources name it by. */
    model_id: z.string(),
    /** The version that this name serves now; null for a model whose branch `main` is gone. */
    version: z.string().nullable(),
    /** Seconds since 1970. */
    created: z.int(),
    owned_by: z.string(),
    /** Whether that version differs from the imported model. */
    edited: z.boolean(),
    branches: z.array(z.strictObject({ name: z.string(), head: z.string(), edited: z.boolean() })),
  })
  .meta({ id: 'Model' });
export type ListedModel = z.output<typeof listedModelSchema>;
