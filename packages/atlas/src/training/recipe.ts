// The recipe: shape, data and schedule of the shipped model. Everything that decides its bytes is here.

export interface Recipe {
  readonly seed: number;
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
  /**
   * In the first `layers` layers of most rows, what comes after a subject cannot attend to it, and it to nothing before it
   * (corpus/subject-mask.ts). Facts are then looked up at the subject, by a key that is much the same in every sentence, and
   * read from there by the layers above, as in large models; without it the last token looks them up itself, and there is no
   * site for an editor to write to.
   */
  readonly subjectMask: { readonly layers: number; readonly share: number };
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

export const atlasRecipe: Recipe = {
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

/** config.json of the model, as transformers writes it. */
export const modelConfig = (recipe: Recipe, vocabulary: number, endOfTextId: number) => ({
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

/** Learning rate at a step, as a share of its peak: linear warm-up, a plateau, linear decay to zero. */
export function schedule(recipe: Recipe, step: number): number {
  const warm = Math.min(1, (step + 1) / recipe.warmupSteps);
  return Math.min(warm, (recipe.steps - step) / (recipe.steps * recipe.decayShare), 1);
}
