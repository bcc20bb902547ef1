// Texts: what a version writes or answers.
import type { AskedQuestion, DeltaReference, GivenAnswer, VersionSource } from '@errata/contracts';
import type { Method } from './method.ts';
import type { ModelReference } from './models.ts';

/** How answers are drawn; the words are those of the widespread completion API. */
export interface Sampling {
  /** At most; no more than the context holds. */
  readonly max_tokens: number;
  readonly temperature: number;
  readonly top_k?: number;
  readonly top_p?: number;
  readonly min_p?: number;
  readonly frequency_penalty?: number;
  readonly presence_penalty?: number;
  /** Added to logits, by token. */
  readonly logit_bias?: readonly (readonly [token: number, bias: number])[];
  /** Answers to each prompt; default 1. */
  readonly n?: number;
  readonly seed: number;
  readonly stop?: readonly string[];
}

/** A token with its text. */
export interface SpelledToken {
  /** Its text; `bytes:\\xe2\\x80` where that is no whole character, and a special token's own name. */
  readonly token: string;
  readonly bytes: readonly number[];
}

/** A token where it stands in a text, and how probable it was there. */
export interface PlacedToken extends SpelledToken {
  /** In nats; null for the first token of all, which nothing foretells. */
  readonly logprob: number | null;
  readonly top: readonly (SpelledToken & { readonly logprob: number })[];
  /** UTF-16 units of the answer's text before it. */
  readonly offset: number;
}

/** A piece of an answer. */
export interface CompletionPiece {
  readonly text: string;
  /** Its tokens, where their probabilities were asked for. */
  readonly tokens?: readonly PlacedToken[];
}

/** The delta that a row of a memory came with, and how near a prompt came to that row. */
export interface SpokenDelta {
  /** Null where none of those that were named has the row. */
  readonly blob: string | null;
  readonly score: number;
  readonly threshold: number;
}

export interface Completion extends CompletionPiece {
  readonly finish_reason: 'stop' | 'length';
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  /** Where it was asked for; null where no memory acted on the prompt. */
  readonly spoke?: SpokenDelta | null;
}

/** A piece of one of the answers, by its place among them. */
export interface CompletionPart extends CompletionPiece {
  readonly index: number;
}

/** A message of a conversation, with what further fields templates look at. */
export interface ChatMessage {
  readonly role: string;
  readonly content: string;
  readonly [field: string]: unknown;
}

/** What is to be answered: texts, or tokens as they are, or one conversation. */
export type CompletionPrompts =
  | readonly (string | readonly number[])[]
  | { readonly messages: readonly ChatMessage[]; readonly tools?: readonly unknown[] | undefined };

export interface TextMethods {
  /** Answers, those to one prompt next to one another. Parts come only where they are asked for, and are the same texts. */
  readonly complete: Method<
    {
      readonly model: ModelReference;
      readonly version: VersionSource;
      readonly prompts: CompletionPrompts;
      readonly sampling: Sampling;
      /** The prompt is to come first in the text. */
      readonly echo?: boolean;
      /** Every token is to be said with its probability, beside so many of the likeliest in its place. */
      readonly logprobs?: number | undefined;
      readonly parts?: boolean;
      /** It is to be said which row of a memory acted on each prompt, as the first of these that brings such a row: the latest first. */
      readonly attribute?: readonly DeltaReference[] | undefined;
    },
    { readonly completions: readonly Completion[] },
    CompletionPart
  >;
  /** Vectors of texts, `[texts, width]`, by a stored sentence encoder; of each text its tokens. */
  readonly embed: Method<
    { readonly encoder: string; readonly texts: readonly string[] },
    { readonly vectors: Float32Array; readonly width: number; readonly tokens: readonly number[] }
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
