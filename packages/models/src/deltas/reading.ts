// How a memory is read: what it puts in front of a prompt, or what it makes of an activation.

import type { HostTensor, Tensor } from '@errata/graph';
import type { Tap } from '../architectures/decoder.ts';
import type { DecoderSpec } from '../architectures/spec.ts';
import type { Tokenizer } from '../text/tokenizer.ts';
import type { Contents } from './contents.ts';

/** What is put in front of a prompt: tokens, or `[l, width]` embeddings that l tokens would otherwise have. */
export type Front =
  | { readonly kind: 'ids'; readonly ids: readonly number[] }
  | { readonly kind: 'embeddings'; readonly embeddings: Float32Array };

/** The model that a prompt is for. */
export interface PromptModel {
  readonly spec: DecoderSpec;
  /** Undefined for weights that came without one. */
  readonly tokenizer: Tokenizer | undefined;
  /** Its base's parameters, by name. */
  readonly base: (name: string) => Float32Array;
  /** What memories are read with beside it. */
  readonly contents: Contents;
}

/** Acts before the tokens, on each prompt by itself. */
export interface PromptReading {
  readonly at: 'prompt';
  /**
   * What comes in front of a prompt, behind the ids that the tokenizer begins every text with; null for nothing.
   * @throws ModelError
   */
  readonly front: (prompt: readonly number[], model: PromptModel) => Promise<Front | null>;
}

/** Inputs of a graph that say where the prompts of a run lie, each as a whole; the same for all memories. */
export interface PromptInputs {
  /** Rows of the last prompt tokens, `[C]` int32. */
  readonly last: Tensor;
  /** Rows of the prompt tokens before them, `[D]` int32. */
  readonly before: Tensor;
  /** Which of the C prompts each of those belongs to, `[D]` int32. */
  readonly of: Tensor;
}

/** Acts at a site of one layer, on the prompts of a run. */
export interface ActivationReading {
  readonly at: 'activation';
  readonly layer: number;
  /** Determines the graph that `tap` builds: no two readings that build different ones share it. */
  readonly graph: string;
  readonly tap: (prompts: PromptInputs) => Tap;
  /** What the tap's inputs are fed, {@link PromptInputs} apart. */
  readonly feeds: Readonly<Record<string, HostTensor>>;
}

export type Reading = PromptReading | ActivationReading;
