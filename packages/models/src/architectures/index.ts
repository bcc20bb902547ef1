// The supported families: one file and one line each, by the `model_type` of their config.json.

import { ModelError } from '../errors.ts';
import type { Architecture } from './config.ts';
import { gpt2 } from './gpt2.ts';
import { llama } from './llama.ts';
import { mistral } from './mistral.ts';
import { qwen2 } from './qwen2.ts';
import type { DecoderSpec } from './spec.ts';

const architectures: Readonly<Record<string, Architecture>> = {
  gpt2,
  llama,
  mistral,
  qwen2,
};

/**
 * Describes the decoder that a config.json asks for.
 * @param names the checkpoint's tensor names, to tell which prefix it uses; without them the usual one is taken
 * @throws ModelError architecture_unsupported, architecture_config_invalid
 */
export function decoderSpec(config: { readonly model_type: string }, names?: Iterable<string>): DecoderSpec {
  const family = config.model_type;
  const describe = Object.hasOwn(architectures, family) ? architectures[family] : undefined;
  if (describe === undefined)
    throw new ModelError('architecture_unsupported', {
      where: 'config.json',
      what: `model_type is ${JSON.stringify(family)}`,
      hint: `Supported are ${Object.keys(architectures).join(', ')}`,
    });
  return { family, ...describe(config, names === undefined ? undefined : new Set(names)) };
}

/**
 * Checks that every parameter is there in its shape. Further tensors (GPT-2's attn.bias buffers, a stored copy of a tied
 * head) are not read.
 * @throws ModelError architecture_tensor_missing, architecture_tensor_shape
 */
export function checkParameters(spec: DecoderSpec, shapeOf: (name: string) => readonly number[] | undefined): void {
  const hint = 'Check that config.json belongs to these weights';
  for (const [name, expected] of spec.parameters) {
    const shape = shapeOf(name);
    if (!shape)
      throw new ModelError('architecture_tensor_missing', {
        where: name,
        what: `a ${spec.family} checkpoint of this size has it, this one does not`,
        hint,
      });
    if (shape.length !== expected.length || shape.some((n, i) => n !== expected[i]))
      throw new ModelError('architecture_tensor_shape', {
        where: name,
        what: `its shape is [${shape.join(', ')}], config.json says [${expected.join(', ')}]`,
        hint,
      });
  }
}
