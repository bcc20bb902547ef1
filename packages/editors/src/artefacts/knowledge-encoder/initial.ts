// Where the training of a knowledge encoder begins: at a checkpoint of a text encoder, or at random numbers.
import { ErrataError } from '@errata/contracts';
import {
  type Checkpoint,
  encoderParameter,
  encoderSpec,
  type KnowledgeSpec,
  knowledgeSpec,
  loadCheckpoint,
  type Model,
  ModelError,
  sentinelTokensName,
  type TextBounds,
  type TokenizerFiles,
  uniform,
} from '@errata/models';
import type { TrainingSettings } from './request.ts';

/** A knowledge encoder before its first step. */
export interface Initial {
  readonly spec: KnowledgeSpec;
  readonly weights: Map<string, Float32Array>;
  /** Files of the text encoder's tokenizer; null where texts are read by the language model's. */
  readonly tokenizer: TokenizerFiles | null;
  readonly bounds: TextBounds;
  /** Digest of the text encoder; null for one from nothing. */
  readonly encoder: string | null;
}

/** Tokens of a text at most, for an encoder from nothing: as many as BERT reads. */
const longestText = 512;

const sizesOf = ({ representation, prompt_tokens, sentinel_tokens }: TrainingSettings, { spec }: Model) => ({
  representation,
  promptTokens: prompt_tokens,
  promptWidth: spec.width,
  sentinelTokens: sentinel_tokens,
});

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

const drawn = (spec: KnowledgeSpec, seed: number): Map<string, Float32Array> =>
  new Map([...spec.parameters].map(([name, dims]) => [name, drawWeight(name, dims, seed)]));

/** Width of a head of attention in an encoder from nothing, where that divides its width. */
const headWidth = 32;

/** A BERT over the language model's own token embeddings, which stay as they are: it knows every name that the model knows. */
function fromNothing(settings: TrainingSettings, model: Model): Initial {
  const { encoder_layers, seed } = settings;
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
    type_vocab_size: 1,
  };
  const spec = knowledgeSpec(config, { ...sizesOf(settings, model), ownTokens: true });
  const weights = drawn(spec, seed);
  // Texts that are alike score high from the start: what is to be learned is which likeness counts.
  for (const part of ['in.weight', 'in.bias', 'residual.weight', 'residual.bias'])
    weights.set(`query.${part}`, weights.get(`knowledge.${part}`)!.slice());
  const { bosId, eosId } = model.tokenizer ?? {};
  const first = bosId ?? eosId;
  const bounds = { start: first === undefined ? [] : [first], end: [], longest };
  return { spec, weights, tokenizer: null, bounds, encoder: null };
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

const fromCheckpoint = (directory: string, settings: TrainingSettings, model: Model): Promise<Initial> =>
  withEncoder(directory, (checkpoint) => {
    const { config, tensors, tokenizer, digest } = checkpoint;
    if (tokenizer === undefined)
      throw new ErrataError('invalid_request', `the text encoder ${directory} has no tokenizer`);
    const { context } = encoderSpec(config, tensors.names);
    const spec = knowledgeSpec(config, { ...sizesOf(settings, model), ownTokens: false }, tensors.names);
    const weights = drawn(spec, settings.seed);
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
export const initialEncoder = async (
  encoder: string | undefined,
  settings: TrainingSettings,
  model: Model,
): Promise<Initial> =>
  encoder === undefined ? fromNothing(settings, model) : fromCheckpoint(encoder, settings, model);
