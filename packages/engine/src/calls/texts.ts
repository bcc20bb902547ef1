// Texts: what a version writes or answers.
import type { AskedQuestion, GivenAnswer, VersionSource } from '@errata/contracts';
import type { Method } from './method.ts';
import type { ModelReference } from './models.ts';

export interface Sampling {
  readonly max_tokens: number;
  readonly temperature: number;
  readonly top_k?: number;
  readonly seed: number;
  readonly stop?: readonly string[];
}

export interface Completion {
  readonly text: string;
  readonly finish_reason: 'stop' | 'length';
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
}

export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

export interface TextMethods {
  readonly complete: Method<
    {
      readonly model: ModelReference;
      readonly version: VersionSource;
      readonly prompts: readonly string[] | { readonly messages: readonly ChatMessage[] };
      readonly sampling: Sampling;
    },
    { readonly completions: readonly Completion[] }
  >;
  /** One question to one version. */
  readonly answerQuestion: Method<
    { readonly model: ModelReference; readonly version: VersionSource; readonly question: AskedQuestion },
    GivenAnswer
  >;
  /** Next-token logits after a text, at its last position. */
  readonly logits: Method<
    { readonly model: ModelReference; readonly version: VersionSource; readonly prompt: string },
    { readonly ids: readonly number[]; readonly logits: Float32Array }
  >;
}
