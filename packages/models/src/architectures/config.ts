// Reading a config.json: the fields that families share, and the refusal of what is not implemented.

import { z } from 'zod';
import { ModelError } from '../errors.ts';
import type { Activation } from './blocks/refs.ts';
import { type DecoderSpec, listParameters } from './spec.ts';

/** How a family is described: what its config.json and the checkpoint's tensor names, if they are known, say of the decoder. */
export type Architecture = (config: unknown, names: ReadonlySet<string> | undefined) => Omit<DecoderSpec, 'family'>;

/**
 * A family, from the schema of its config.json and what the parsed one means.
 * @throws ModelError architecture_config_invalid
 */
export function architecture<T>(
  schema: z.ZodType<T>,
  describe: (config: T, names: ReadonlySet<string> | undefined) => Omit<DecoderSpec, 'family' | 'parameters'>,
): Architecture {
  return (config, names) => {
    const parsed = schema.safeParse(config);
    if (!parsed.success) {
      const issue = parsed.error.issues[0];
      return refuseConfig(`${issue?.path.join('.') || 'the file'}: ${issue?.message}`);
    }
    const spec = describe(parsed.data, names);
    return { ...spec, parameters: listParameters(spec) };
  };
}

/** @throws ModelError architecture_config_invalid */
export function refuseConfig(what: string, hint = 'Use the config.json that transformers saves with the model'): never {
  throw new ModelError('architecture_config_invalid', { where: 'config.json', what, hint });
}

/** A size or number of something. */
export const count = z.number().int().positive();

export function requireDivisible(width: number, heads: number, what: string): void {
  if (width % heads !== 0) refuseConfig(`${what}: ${width} is not a multiple of ${heads}`);
}

const activations: Readonly<Record<string, Activation>> = {
  gelu: 'gelu_erf',
  gelu_new: 'gelu_tanh',
  gelu_pytorch_tanh: 'gelu_tanh',
  silu: 'silu',
  swish: 'silu',
  relu: 'relu',
};

/** The function that a config.json calls by this name. */
export function activationOf(name: string): Activation {
  return (
    activations[name] ??
    refuseConfig(
      `the activation ${JSON.stringify(name)} is not implemented`,
      `Implemented are ${Object.keys(activations).join(', ')}`,
    )
  );
}
