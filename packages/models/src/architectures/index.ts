// The supported families: one file and one line each, by the `model_type` of their config.json.

import { ModelError } from '../errors.ts';
import { bart } from './bart.ts';
import { bert } from './bert.ts';
import type { Architecture } from './config.ts';
import { decoderOver } from './decoder-over.ts';
import { distilbert } from './distilbert.ts';
import type { EncoderDecoderSpec } from './encoder-decoder-spec.ts';
import type { EncoderSpec } from './encoder-spec.ts';
import { gemma2 } from './gemma2.ts';
import { gemma3, gemma3Text } from './gemma3.ts';
import { gptNeox } from './gpt-neox.ts';
import { gpt2 } from './gpt2.ts';
import { gptj } from './gptj.ts';
import { llama } from './llama.ts';
import { mistral } from './mistral.ts';
import { olmo2 } from './olmo2.ts';
import { phi3 } from './phi3.ts';
import { qwen2 } from './qwen2.ts';
import { qwen3 } from './qwen3.ts';
import { roberta } from './roberta.ts';
import { smollm3 } from './smollm3.ts';
import type { DecoderSpec } from './spec.ts';
import { stablelm } from './stablelm.ts';
import { t5 } from './t5.ts';

/** Families of one kind, by model_type. */
type Families<Spec> = Readonly<Record<string, Architecture<Spec>>>;

const decoders: Families<DecoderSpec> = {
  gemma2,
  gemma3,
  gemma3_text: gemma3Text,
  gpt2,
  gpt_neox: gptNeox,
  gptj,
  llama,
  mistral,
  olmo2,
  phi3,
  qwen2,
  qwen3,
  smollm3,
  stablelm,
};

const encoders: Families<EncoderSpec> = {
  bert,
  distilbert,
  roberta,
};

const encoderDecoders: Families<EncoderDecoderSpec> = {
  bart,
  t5,
};

/** The kinds, as they are called where one stands for which another is asked. */
const kinds = { decoder: decoders, encoder: encoders, 'encoder-decoder': encoderDecoders } as const;

type Kind = keyof typeof kinds;

const article = (kind: Kind): string => `${kind === 'decoder' ? 'a' : 'an'} ${kind}`;

interface Config {
  readonly model_type: string;
}

function describe<Spec extends { readonly family: string }>(
  wanted: Kind,
  families: Families<Spec>,
  { model_type: family, ...config }: Config,
  names: Iterable<string> | undefined,
): Spec {
  if (Object.hasOwn(families, family))
    return { family, ...families[family]!(config, names === undefined ? undefined : new Set(names)) } as Spec;
  const other = (Object.keys(kinds) as Kind[]).find((kind) => Object.hasOwn(kinds[kind], family));
  const known = [...Object.keys(families), ...(wanted === 'decoder' ? Object.keys(encoderDecoders) : [])];
  const supported =
    other !== undefined && wanted === 'decoder' ? 'Encoders alone are not edited and served; supported' : 'Supported';
  throw new ModelError('architecture_unsupported', {
    where: 'config.json',
    what:
      other === undefined
        ? `model_type is ${JSON.stringify(family)}`
        : `model_type is ${JSON.stringify(family)}, ${article(other)}, where ${article(wanted)} is needed`,
    hint: `${supported} are ${known.join(', ')}`,
  });
}

/**
 * Describes the decoder that a config.json asks for, that of an encoder-decoder over its encoder.
 * @param names the checkpoint's tensor names, to tell which prefix it uses; without them the usual one is taken
 * @throws ModelError architecture_unsupported, architecture_config_invalid
 */
export const decoderSpec = (config: Config, names?: Iterable<string>): DecoderSpec =>
  Object.hasOwn(encoderDecoders, config.model_type)
    ? decoderOver(encoderDecoderSpec(config, names))
    : describe('decoder', decoders, config, names);

/**
 * Describes the encoder that a config.json asks for.
 * @param names see {@link decoderSpec}
 * @throws ModelError architecture_unsupported, architecture_config_invalid
 */
export const encoderSpec = (config: Config, names?: Iterable<string>): EncoderSpec =>
  describe('encoder', encoders, config, names);

/**
 * Describes the encoder-decoder that a config.json asks for.
 * @param names see {@link decoderSpec}
 * @throws ModelError architecture_unsupported, architecture_config_invalid
 */
export const encoderDecoderSpec = (config: Config, names?: Iterable<string>): EncoderDecoderSpec =>
  describe('encoder-decoder', encoderDecoders, config, names);

/** Elements of all parameters; a tied head counts once. */
export const parameterCount = ({ parameters }: Pick<DecoderSpec, 'parameters'>): number =>
  [...parameters.values()].reduce((sum, dims) => sum + dims.reduce((product, n) => product * n, 1), 0);

/**
 * Checks that every parameter is there in its shape. Further tensors (GPT-2's attn.bias buffers, a stored copy of a tied
 * head) are not read.
 * @throws ModelError architecture_tensor_missing, architecture_tensor_shape
 */
export function checkParameters(
  spec: Pick<DecoderSpec, 'family' | 'parameters'>,
  shapeOf: (name: string) => readonly number[] | undefined,
): void {
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
