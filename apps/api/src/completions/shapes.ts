// Answers in the two shapes of the widespread completion API: of texts, and of conversations.
import type { ChatCompletion, ChatCompletionChunk, Completion, CompletionChunk, SpokenEdit } from '@errata/contracts';
import type { CompletionPiece, Completion as EngineCompletion, PlacedToken, SpelledToken } from '@errata/engine';

type FinishReason = EngineCompletion['finish_reason'];

/** What an answer and all chunks of it have in common. */
export interface About {
  readonly id: string;
  readonly created: number;
  readonly model: string;
  readonly version: string;
  /** Where it was asked for and is known. */
  readonly errata?: SpokenEdit;
}

export interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
}

/** Makes the choices of one kind of answer, whole and in chunks. */
export interface Shape<Whole, Chunk> {
  readonly idPrefix: string;
  whole(about: About, completions: readonly EngineCompletion[], usage: Usage): Whole;
  /** Before the first text of an answer; null where nothing is. */
  opening(about: About, index: number): Chunk | null;
  piece(about: About, index: number, piece: CompletionPiece): Chunk;
  closing(about: About, index: number, finish_reason: FinishReason): Chunk;
  /** The chunk that has no choices. */
  usage(about: About, usage: Usage): Chunk;
}

export const textShape: Shape<Completion, CompletionChunk> = {
  idPrefix: 'cmpl',
  whole: (about, completions, usage) => ({
    ...about,
    object: 'text_completion',
    choices: completions.map(({ text, tokens, finish_reason }, index) => ({
      index,
      text,
      logprobs: textLogprobs(tokens),
      finish_reason,
    })),
    usage,
  }),
  opening: () => null,
  piece: (about, index, { text, tokens }) =>
    textChunk(about, [{ index, text, logprobs: textLogprobs(tokens), finish_reason: null }]),
  closing: (about, index, finish_reason) => textChunk(about, [{ index, text: '', logprobs: null, finish_reason }]),
  usage: (about, usage) => ({ ...textChunk(about, []), usage }),
};

const textChunk = (about: About, choices: CompletionChunk['choices']): CompletionChunk => ({
  ...about,
  object: 'text_completion',
  choices,
});

export const chatShape: Shape<ChatCompletion, ChatCompletionChunk> = {
  idPrefix: 'chatcmpl',
  whole: (about, completions, usage) => ({
    ...about,
    object: 'chat.completion',
    choices: completions.map(({ text, tokens, finish_reason }, index) => ({
      index,
      message: { role: 'assistant', content: text, refusal: null },
      logprobs: chatLogprobs(tokens),
      finish_reason,
    })),
    usage,
  }),
  opening: (about, index) => chatChunk(about, { index, delta: { role: 'assistant', content: '' } }),
  piece: (about, index, { text, tokens }) =>
    chatChunk(about, { index, delta: { content: text }, logprobs: chatLogprobs(tokens) }),
  closing: (about, index, finish_reason) => chatChunk(about, { index, delta: {}, finish_reason }),
  usage: (about, usage) => ({ ...chatChunk(about), usage }),
};

type ChatChoice = ChatCompletionChunk['choices'][number];

const chatChunk = (
  about: About,
  choice?: Pick<ChatChoice, 'index' | 'delta'> & Partial<ChatChoice>,
): ChatCompletionChunk => ({
  ...about,
  object: 'chat.completion.chunk',
  choices: choice === undefined ? [] : [{ logprobs: null, finish_reason: null, ...choice }],
});

function textLogprobs(tokens: readonly PlacedToken[] | undefined): Completion['choices'][number]['logprobs'] {
  if (tokens === undefined) return null;
  return {
    tokens: tokens.map(({ token }) => token),
    token_logprobs: tokens.map(({ logprob }) => logprob),
    top_logprobs: tokens.map(({ logprob, top }) =>
      logprob === null ? null : Object.fromEntries(top.map((one) => [one.token, one.logprob])),
    ),
    text_offset: tokens.map(({ offset }) => offset),
  };
}

function chatLogprobs(tokens: readonly PlacedToken[] | undefined): ChatChoice['logprobs'] {
  if (tokens === undefined) return null;
  const said = ({ token, bytes }: SpelledToken, logprob: number) => ({ token, logprob, bytes: [...bytes] });
  const content = tokens.map(({ logprob, top, ...token }) => ({
    ...said(token, logprob ?? 0),
    top_logprobs: top.map((one) => said(one, one.logprob)),
  }));
  return { content, refusal: null };
}
