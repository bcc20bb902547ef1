// Fields that requests for completions have in common, by the names and with the defaults of the widespread completion API.
import { z } from 'zod';
import { metadataSchema } from './resource-parts.ts';

/** How long a prompt may be depends on the model: see `promptBytes` of the engine. */
export const promptText = z.string().max(2_000_000);

/** A field that may be left out; null is the same as leaving it out. */
export const orNone = <T extends z.ZodType>(schema: T) => schema.nullish().transform((value) => value ?? undefined);

/** The same, with what it then is. */
export const orElse = <T extends z.ZodType, D extends z.output<T>>(schema: T, otherwise: D) =>
  schema
    .nullish()
    .meta({ default: otherwise })
    .transform((value): z.output<T> | D => value ?? otherwise);

/** A field that is not done here: whatever is neutral is taken, and anything else refused by name. */
export const notDone = (isNeutral: (value: unknown) => boolean = () => false) =>
  z
    .unknown()
    .optional()
    .refine(
      (value) => value === undefined || value === null || isNeutral(value),
      'this is not done here: leave it out',
    );

/** An object of so many fields at most. */
export const bounded = <T extends z.ZodType<object>>(schema: T, most: number) =>
  schema
    .refine((value) => Object.keys(value).length <= most, `may have ${most} entries at most`)
    .meta({ maxProperties: most });

const stopText = z.string().max(1000);
const tokenBias = z.record(z.string().regex(/^\d{1,7}$/), z.number().min(-100).max(100));

/** How answers are drawn, and where they go. */
export const samplingFields = {
  /** `name`, `name@branch`, `name@alias`, `name@tag` or `name@ver_...`. */
  model: z.string().min(1).max(400),
  temperature: orElse(z.number().min(0).max(5), 1),
  top_p: orElse(z.number().gt(0).max(1), 1),
  top_k: orNone(z.int().min(-1).max(1000)).describe('Not of the original API; 0 and -1 are all'),
  min_p: orElse(z.number().min(0).max(1), 0).describe('Not of the original API'),
  frequency_penalty: orElse(z.number().min(-2).max(2), 0),
  presence_penalty: orElse(z.number().min(-2).max(2), 0),
  logit_bias: orNone(bounded(tokenBias, 1024)),
  n: orElse(z.int().min(1).max(128), 1),
  seed: orNone(z.int().min(-0x8000_0000).max(0xffff_ffff)).describe(
    'The same seed gives the same answer; none gives another each time',
  ),
  stop: orNone(z.union([stopText, z.array(stopText).max(8)])),
  stream: orElse(z.boolean(), false),
  stream_options: orNone(
    z.strictObject({ include_usage: orElse(z.boolean(), false), include_obfuscation: orNone(z.boolean()) }),
  ),
  errata: orElse(z.boolean(), false).describe(
    'Not of the original API: the answer says which edit of a memory acted on the prompt, and how near the prompt came to it',
  ),
  // Taken, and nothing is made of them.
  user: orNone(z.string().max(1000)),
  safety_identifier: orNone(z.string().max(1000)),
  prompt_cache_key: orNone(z.string().max(1000)),
  metadata: orNone(metadataSchema),
  service_tier: orNone(z.string().max(100)),
  store: notDone((value) => value === false),
};
