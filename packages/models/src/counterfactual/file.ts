// A scope classifier with its counterfactual model as a file.

import { z } from 'zod';
import { decodeTexts, encodeTexts, type StoredTexts, textsHeader } from '../knowledge/file.ts';
import type { EncoderConfig } from '../knowledge/spec.ts';
import { type CounterfactualSpec, counterfactualSpec } from './spec.ts';

const format = 'errata-counterfactual-model/1';

/** A scope classifier with its counterfactual model, as it is stored. */
export interface StoredCounterfactual extends StoredTexts<CounterfactualSpec> {
  /** How a correction is put before a query: `{prompt}` and `{target}` stand for its two parts. */
  readonly template: string;
}

const counterfactualTemplate = z
  .string()
  .max(1000)
  .regex(/\{prompt\}[\s\S]*\{target\}/, 'must hold {prompt} and, behind it, {target}');

const config = z.looseObject({ model_type: z.string() });
const headerSchema = z.strictObject({
  ...textsHeader,
  sizes: z.strictObject({ representation: z.int().min(1), ownTokens: z.boolean(), decoder: config }),
  template: counterfactualTemplate,
});

/** As safetensors bytes, every number rounded to float16. @throws ModelError safetensors_* for what does not fit */
export function encodeCounterfactual({ template, ...stored }: StoredCounterfactual): Uint8Array {
  const { representation, ownTokens, decoderConfig: decoder } = stored.spec;
  const sizes = { representation, ownTokens, decoder };
  return encodeTexts({ format, where: 'counterfactual model' }, stored, { sizes, template });
}

/** Reads {@link encodeCounterfactual}'s bytes; nothing about them is trusted. @throws ModelError content_malformed, safetensors_*, architecture_* */
export function decodeCounterfactual(bytes: Uint8Array, where = 'counterfactual model'): StoredCounterfactual {
  let template = '';
  const stored = decodeTexts({ format, where }, bytes, headerSchema, (header, names) => {
    template = header.template;
    return counterfactualSpec(header.config as EncoderConfig, header.sizes as never, names);
  });
  return { ...stored, template };
}
