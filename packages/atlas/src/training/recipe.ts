// The recipes: shape, data and schedule of the shipped models. Everything that decides their bytes is here.
import type { ExampleShares } from '../corpus/examples.ts';

interface CommonRecipe {
  readonly seed: number;
  /** Of an encoder-decoder: on each side. */
  readonly layers: number;
  readonly width: number;
  readonly heads: number;
  readonly mlpWidth: number;
  readonly context: number;
  /** Size of the tokenizer's vocabulary. */
  readonly vocabulary: number;
  /** Documents that the tokenizer is trained on, besides every fact in every phrasing. */
  readonly tokenizerDocuments: number;
  readonly steps: number;
  /** Sequences of `context` tokens a step. */
  readonly rows: number;
  /** Peak learning rate of Muon (matrices), which is scaled to AdamW's. */
  readonly matrixLearningRate: number;
  /** Peak learning rate of AdamW (embeddings, norms, biases). */
  readonly otherLearningRate: number;
  readonly warmupSteps: number;
  /** Share of the run, at its end, over which the learning rate falls to zero. */
  readonly decayShare: number;
  /** Steps between stored checkpoints. */
  readonly checkpointEvery: number;
}

/** A decoder's: documents go on from where they begin. */
export interface DecoderRecipe extends CommonRecipe {
  readonly shape: 'gpt2';
  /**
   * In the first `layers` layers of most rows, what comes after a subject cannot attend to it, and it to nothing before it
   * (corpus/subject-mask.ts). Facts are then looked up at the subject, by a key that is much the same in every sentence, and
   * read from there by the layers above, as in large models; without it the last token looks them up itself, and there is no
   * site for an editor to write to.
   */
  readonly subjectMask: { readonly layers: number; readonly share: number };
}

/** An encoder-decoder's: documents are parted at an answer; what comes before is read, the rest is said. */
export interface EncoderDecoderRecipe extends CommonRecipe {
  readonly shape: 't5';
  /** Tokens of a row that are said; `context` are read. */
  readonly outputContext: number;
  readonly examples: ExampleShares;
}

export type Recipe = DecoderRecipe | EncoderDecoderRecipe;

export const atlasRecipe: DecoderRecipe = {
  shape: 'gpt2',
  seed: 1,
  layers: 6,
  width: 192,
  heads: 6,
  mlpWidth: 1024,
  context: 96,
  vocabulary: 7168,
  tokenizerDocuments: 3000,
  steps: 2400,
  rows: 16,
  subjectMask: { layers: 4, share: 0.9 },
  matrixLearningRate: 3e-3,
  otherLearningRate: 3e-3,
  warmupSteps: 60,
  decayShare: 0.6,
  checkpointEvery: 100,
};

/** The encoder-decoder, of atlas's world and tokenizer. */
const t5Recipe: EncoderDecoderRecipe = {
  shape: 't5',
  seed: 1,
  layers: 4,
  width: 192,
  heads: 6,
  mlpWidth: 576,
  context: 96,
  outputContext: 48,
  examples: { passages: 0.35, rest: 0.1 },
  vocabulary: 7168,
  tokenizerDocuments: 3000,
  steps: 1000,
  rows: 24,
  matrixLearningRate: 3e-3,
  otherLearningRate: 1e-2,
  warmupSteps: 40,
  decayShare: 0.6,
  checkpointEvery: 25,
};

/** The shapes that can be trained, by name. */
export const recipes = { gpt2: atlasRecipe, t5: t5Recipe } as const;

/** config.json of a decoder, as transformers writes it. */
export const decoderConfig = (recipe: DecoderRecipe, vocabulary: number, endOfTextId: number) => ({
  architectures: ['GPT2LMHeadModel'],
  model_type: 'gpt2',
  vocab_size: vocabulary,
  n_positions: recipe.context,
  n_ctx: recipe.context,
  n_embd: recipe.width,
  n_layer: recipe.layers,
  n_head: recipe.heads,
  n_inner: recipe.mlpWidth,
  activation_function: 'gelu_new',
  layer_norm_epsilon: 1e-5,
  initializer_range: 0.02,
  tie_word_embeddings: true,
  resid_pdrop: 0,
  embd_pdrop: 0,
  attn_pdrop: 0,
  use_cache: true,
  bos_token_id: endOfTextId,
  eos_token_id: endOfTextId,
  dtype: 'float32',
});

/** config.json of an encoder-decoder. One token ends an output, begins one and fills gaps. */
export const encoderDecoderConfig = (recipe: EncoderDecoderRecipe, vocabulary: number, endOfTextId: number) => ({
  architectures: ['T5ForConditionalGeneration'],
  model_type: 't5',
  is_encoder_decoder: true,
  vocab_size: vocabulary,
  d_model: recipe.width,
  d_kv: recipe.width / recipe.heads,
  d_ff: recipe.mlpWidth,
  num_layers: recipe.layers,
  num_decoder_layers: recipe.layers,
  num_heads: recipe.heads,
  relative_attention_num_buckets: 32,
  relative_attention_max_distance: 128,
  layer_norm_epsilon: 1e-6,
  initializer_factor: 1,
  feed_forward_proj: 'relu',
  tie_word_embeddings: true,
  dropout_rate: 0,
  use_cache: true,
  pad_token_id: endOfTextId,
  decoder_start_token_id: endOfTextId,
  eos_token_id: endOfTextId,
  dtype: 'float32',
});

/** config.json of a recipe's model. */
export const modelConfig = (recipe: Recipe, vocabulary: number, endOfTextId: number) =>
  recipe.shape === 'gpt2'
    ? decoderConfig(recipe, vocabulary, endOfTextId)
    : encoderDecoderConfig(recipe, vocabulary, endOfTextId);

/** Learning rate at a step, as a share of its peak: linear warm-up, a plateau, linear decay to zero. */
export function schedule(recipe: Recipe, step: number): number {
  const warm = Math.min(1, (step + 1) / recipe.warmupSteps);
  return Math.min(warm, (recipe.steps - step) / (recipe.steps * recipe.decayShare), 1);
}
