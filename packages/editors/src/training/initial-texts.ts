// Where the training of what reads texts begins: at a checkpoint of a text encoder, or at random numbers over the model's own tokens.
import { ErrataError } from '@errata/contracts';
import {
  type Checkpoint,
  type EncoderConfig,
  encoderParameter,
  encoderSpec,
  loadCheckpoint,
  type Model,
  ModelError,
  sentinelTokensName,
  type TextBounds,
  type TextSpec,
  type TokenizerFiles,
  uniform,
} from '@errata/models';

/** What reads texts, before its first step. */
export interface InitialTexts<Spec extends TextSpec = TextSpec> {
  readonly spec: Spec;
  readonly weights: Map<string, Float32Array>;
  /** Files of the text encoder's tokenizer; null where texts are read by the language model's. */
  readonly tokenizer: TokenizerFiles | null;
  readonly bounds: TextBounds;
  /** Digest of the text encoder; null for one from nothing. */
  readonly encoder: string | null;
}

/** How it begins. */
export interface Beginning<Spec extends TextSpec> {
  /** Layers of an encoder from nothing, and the types that it tells tokens by. */
  readonly encoder_layers: number;
  readonly token_types: number;
  readonly seed: number;
  /** What stands on top of the text encoder. */
  readonly specOf: (config: EncoderConfig, ownTokens: boolean, names?: Iterable<string>) => Spec;
}

/** Tokens of a text at most, for an encoder from nothing: as many as BERT reads. */
const longestText = 512;

/**
 * Random numbers as PyTorch draws them: linear maps uniform within 1/√in, tables normal with deviation 0.02, norms the identity; the
 * sentinel's pseudo-tokens uniform within 0.05 (the authors' code).
 */
function drawWeight(name: string, dims: readonly number[], seed: number): Float32Array {
  const next = uniform(seed, hashOf(name));
  const values = new Float32Array(dims.reduce((a, b) => a * b, 1));
  const uniformly = (bound: number) => values.map(() => bound * (2 * next() - 1));
  if (name === sentinelTokensName) return uniformly(0.05);
  if (/norm/i.test(name)) return values.fill(name.endsWith('.weight') ? 1 : 0);
  if (dims.length === 1) return values;
  if (!name.includes('embeddings')) return uniformly(1 / Math.sqrt(dims[1]!));
  return values.map(() => 0.02 * Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()));
}

function hashOf(text: string): number {
  let hash = 0;
  for (let at = 0; at < text.length; at++) hash = (Math.imul(hash, 31) + text.charCodeAt(at)) | 0;
  return hash;
}

const drawn = (spec: TextSpec, seed: number): Map<string, Float32Array> =>
  new Map([...spec.parameters].map(([name, dims]) => [name, drawWeight(name, dims, seed)]));

/** Width of a head of attention in an encoder from nothing, where that divides its width. */
const headWidth = 32;

/** A BERT over the language model's own token embeddings, which stay as they are: it knows every name that the model knows. */
function fromNothing<Spec extends TextSpec>(
  { encoder_layers, token_types, seed, specOf }: Beginning<Spec>,
  model: Model,
): InitialTexts<Spec> {
  const { vocab, context, width } = model.spec;
  const longest = Math.min(longestText, context);
  const config = {
    model_type: 'bert',
    vocab_size: vocab,
    hidden_size: width,
    intermediate_size: 4 * width,
    num_hidden_layers: encoder_layers,
    num_attention_heads: width % headWidth === 0 ? width / headWidth : 1,
    max_position_embeddings: longest,
    type_vocab_size: token_types,
  };
  const spec = specOf(config, true);
  const { bosId, eosId } = model.tokenizer ?? {};
  const first = bosId ?? eosId;
  const bounds = { start: first === undefined ? [] : [first], end: [], longest };
  return { spec, weights: drawn(spec, seed), tokenizer: null, bounds, encoder: null };
}

/** The pooler of a checkpoint, where it has one. */
const poolerNames = ['pooler.dense', 'bert.pooler.dense', 'roberta.pooler.dense'] as const;

/** @throws ErrataError `invalid_request` where it is no such directory */
async function withEncoder<T>(directory: string, read: (checkpoint: Checkpoint) => T): Promise<T> {
  try {
    const checkpoint = await loadCheckpoint(directory);
    try {
      return read(checkpoint);
    } finally {
      checkpoint.close();
    }
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    throw new ErrataError('invalid_request', `the text encoder ${directory} cannot be used: ${error.message}`, {
      details: { encoder: directory },
      cause: error,
    });
  }
}

/** Digest of a text encoder: a directory of the same name may hold another one by now. */
export const encoderDigest = (directory: string): Promise<string> => withEncoder(directory, ({ digest }) => digest);

const fromCheckpoint = <Spec extends TextSpec>(
  directory: string,
  { seed, specOf }: Beginning<Spec>,
): Promise<InitialTexts<Spec>> =>
  withEncoder(directory, (checkpoint) => {
    const { config, tensors, tokenizer, digest } = checkpoint;
    if (tokenizer === undefined)
      throw new ErrataError('invalid_request', `the text encoder ${directory} has no tokenizer`);
    const { context } = encoderSpec(config, tensors.names);
    const spec = specOf(config, false, tensors.names);
    const weights = drawn(spec, seed);
    for (const name of spec.encoder.parameters.keys()) weights.set(encoderParameter(name), tensors.read(name));
    const pooler = poolerNames.find((name) => tensors.has(`${name}.weight`));
    if (pooler !== undefined)
      for (const part of ['weight', 'bias']) weights.set(`pooler.${part}`, tensors.read(`${pooler}.${part}`));
    const bounds = { start: tokenizer.prefixIds, end: tokenizer.suffixIds, longest: context };
    return { spec, weights, tokenizer: tokenizerFiles(checkpoint), bounds, encoder: digest };
  });

/** The files that a tokenizer is made of again, config.json among them: its class may be told there. */
function tokenizerFiles({ companionFiles, readCompanion, config }: Checkpoint): TokenizerFiles {
  const names = companionFiles.filter((name) => /^(tokenizer|vocab|merges|special_tokens_map|added_tokens)/.test(name));
  const texts = names.map((name) => [name, Buffer.from(readCompanion(name)).toString('utf8')] as const);
  return { ...Object.fromEntries(texts), 'config.json': JSON.stringify(config) };
}

/** @param encoder directory of a text encoder; undefined for one from nothing */
export const initialTexts = async <Spec extends TextSpec>(
  encoder: string | undefined,
  beginning: Beginning<Spec>,
  model: Model,
): Promise<InitialTexts<Spec>> =>
  encoder === undefined ? fromNothing(beginning, model) : fromCheckpoint(encoder, beginning);
