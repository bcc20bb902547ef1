// How a memory is read: what it puts in front of a prompt, what it makes of an activation, or who answers in the version's place.

import type { HostTensor, Tensor } from '@errata/graph';
import type { Site, Tap } from '../architectures/decoder-graph.ts';
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

/** A row of a memory that acts on a prompt, by how near the prompt came to it. */
export interface Spoken {
  /** What the row is called among the `rowNames` of its memory, and of the delta that it came with. */
  readonly row: string;
  readonly score: number;
  /** The score from which on the row acts, or up to which, as its kind has it. */
  readonly threshold: number;
}

/** Acts before the tokens, on each prompt by itself. */
export interface PromptReading {
  readonly at: 'prompt';
  /**
   * What comes in front of a prompt, behind the ids that the tokenizer begins every text with; null for nothing.
   * @throws ModelError
   */
  readonly front: (prompt: readonly number[], model: PromptModel) => Promise<Front | null>;
  /** The row that acts on a prompt the most; null where none does. Left out by those that cannot tell. */
  readonly speaking?: (prompt: readonly number[], model: PromptModel) => Promise<Spoken | null>;
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

/** Acts at a site of one layer, on the prompts of a run or on all of it. */
export interface ActivationReading {
  readonly at: 'activation';
  readonly layer: number;
  /** Whether it acts on every token, of prompts or not, as weights do; on prompts alone where left out. */
  readonly everywhere?: boolean;
  /** Determines the graph that `tap` builds: no two readings that build different ones share it. */
  readonly graph: string;
  readonly tap: (prompts: PromptInputs) => Tap;
  /** What the tap's inputs are fed, {@link PromptInputs} apart. */
  readonly feeds: Readonly<Record<string, HostTensor>>;
  /** Which row acts on a prompt, by the activation at a site of its last token; null where none does. Left out by those that cannot tell. */
  readonly speaking?: {
    readonly key: { readonly site: Site; readonly layer: number };
    readonly row: (key: Float32Array) => Spoken | null;
  };
}

/** A model that was opened beside another, and reads and writes the same tokens. How it is asked is for whoever opened it to know. */
export interface Beside {
  /** Frees all sessions. */
  readonly release: () => Promise<void>;
}

/** The model that a prompt is for, where another may answer. */
export interface AnsweringModel extends PromptModel {
  /** Opens a decoder of the same tokens beside the model. */
  readonly openBeside: (spec: DecoderSpec, weights: ReadonlyMap<string, Float32Array>) => Beside;
}

/** Deltas that change a version for some prompts alone. */
export type Patch = readonly { readonly kind: string }[];

/** The version that a prompt is for, where another may answer. */
export interface AnsweringVersion extends AnsweringModel {
  /** The version itself with a patch, and without the memories that have another answer. Of one list it is kept for a while. */
  readonly patched: (patch: Patch) => Beside;
}

/** Who answers a prompt in the version's place. */
export interface StandIn {
  readonly by: Beside;
  /** What it is asked. */
  readonly prompt: readonly number[];
}

/** Has another model answer prompts, each by itself. */
export interface AnswerReading {
  readonly at: 'answer';
  /** Who answers a prompt; null where the version does, as if this memory were not there. @throws ModelError */
  readonly standIn: (prompt: readonly number[], version: AnsweringVersion) => Promise<StandIn | null>;
  /** The row for which it is answered so; null where none is. */
  readonly speaking: (prompt: readonly number[], version: AnsweringVersion) => Promise<Spoken | null>;
}

export type Reading = PromptReading | ActivationReading | AnswerReading;
