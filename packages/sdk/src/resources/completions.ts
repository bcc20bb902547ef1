// Completions of any version, in the shapes of the widespread completion API.
import type { ChatCompletion, ChatCompletionRequest, Completion, CompletionRequest } from '@errata/contracts';
import type { Caller } from '../caller.ts';
import type { CallOptions } from '../transport.ts';

export const completions = ({ post }: Caller) => ({
  create: (request: CompletionRequest, call?: CallOptions) => post<Completion>('/v1/completions', request, call),
});

export const chat = ({ post }: Caller) => ({
  completions: {
    create: (request: ChatCompletionRequest, call?: CallOptions) =>
      post<ChatCompletion>('/v1/chat/completions', request, call),
  },
});
