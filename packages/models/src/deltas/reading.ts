// How a memory is read: what it puts in front of a prompt, or what it makes of an activation.

import type { HostTensor, Tensor } from '@errata/graph';
import type { Tap } from '../architectures/decoder.ts';

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
  readonly layer: number;
  /** Determines the graph that `tap` builds: no two readings that build different ones share it. */
  readonly graph: string;
  readonly tap: (prompts: PromptInputs) => Tap;
  /** What the tap's inputs are fed, {@link PromptInputs} apart. */
  readonly feeds: Readonly<Record<string, HostTensor>>;
}
