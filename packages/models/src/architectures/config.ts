// Reading a config.json: the fields that families share, and the refusal of what is not implemented.

import { z } from 'zod';
import { ModelError } from '../errors.ts';
import type { Activation } from './blocks/refs.ts';
import { type EncoderDecoderSpec, encoderDecoderParameters } from './encoder-decoder-spec.ts';
import { type EncoderSpec, encoderParameters } from './encoder-spec.ts';
import { type DecoderSpec, listParameters } from './spec.ts';

/** How a family is described: what its config.json and the checkpoint's tensor names, if they are known, say of the model. */
export type Architecture<Spec> = (config: unknown, names: ReadonlySet<string> | undefined) => Omit<Spec, 'family'>;

/** A family of one kind, from the schema of its config.json and what the parsed one means. */
type Describe<Spec> = <T>(
  schema: z.ZodType<T>,
  describe: (config: T, names: ReadonlySet<string> | undefined) => Omit<Spec, 'family' | 'parameters'>,
) => Architecture<Spec>;

/** @param list the parameters of what a family describes */
function kindOf<Spec>(
  list: (spec: Omit<Spec, 'family' | 'parameters'>) => ReadonlyMap<string, readonly number[]>,
): Describe<Spec> {
  return (schema, describe) => (config, names) => {
    const parsed = schema.safeParse(config);
    if (!parsed.success) {
      const issue = parsed.error.issues[0];
      return refuseConfig(`${issue?.path.join('.') || 'the file'}: ${issue?.message}`);
    }
    const spec = describe(parsed.data, names);
    return { ...spec, parameters: list(spec) } as Omit<Spec, 'family'>;
  };
}

/** A family of decoders. What it describes throws ModelError architecture_config_invalid. */
export const architecture = kindOf<DecoderSpec>(listParameters);

/** A family of encoders. What it describes throws ModelError architecture_config_invalid. */
export const encoderArchitecture = kindOf<EncoderSpec>(encoderParameters);

/** A family of encoder-decoders. What it describes throws ModelError architecture_config_invalid. */
export const encoderDecoderArchitecture = kindOf<EncoderDecoderSpec>(encoderDecoderParameters);

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
