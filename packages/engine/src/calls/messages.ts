// What is sent from one process to the other: calls and their cancelling, signs of life, and what came of a call.
import type { PlainError } from '@errata/contracts';
import type { EngineMethod } from './methods.ts';

/** How far a call has come. */
export interface EngineProgress {
  readonly stage: string;
  readonly done: number;
  readonly total: number;
}

/** From the client, which keeps what the process is not to begin yet. */
export type EngineRequest =
  | {
      readonly type: 'call';
      readonly id: number;
      readonly method: EngineMethod;
      readonly params: unknown;
      /** What it is part of, where that is traced. */
      readonly traceparent?: string | undefined;
    }
  | { readonly type: 'cancel'; readonly id: number };

/** From the engine process. `rss` is its resident memory in bytes, which takes longer to ask than a token to send. */
export type EngineResponse =
  /** Sent while a call is being worked, whenever the process gets round to it. */
  | { readonly type: 'alive'; readonly id: number; readonly rss: number }
  | { readonly type: 'progress'; readonly id: number; readonly progress: EngineProgress; readonly rss: number }
  /** Parts of the results of calls that are there already, in order; every one is sent, and before the result of its call. */
  | { readonly type: 'parts'; readonly parts: readonly { readonly id: number; readonly part: unknown }[] }
  | { readonly type: 'result'; readonly id: number; readonly value: unknown; readonly rss: number }
  | { readonly type: 'error'; readonly id: number; readonly error: PlainError; readonly rss: number }
  /** The call fits the budget, but not beside what this process already holds: ask a fresh one. */
  | { readonly type: 'recycle'; readonly id: number; readonly rss: number };
