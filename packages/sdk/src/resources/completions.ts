// Completions of any version, in the shapes of the widespread completion API.
import type {
  ChatCompletion,
  ChatCompletionChunk,
  ChatCompletionRequest,
  Completion,
  CompletionChunk,
  CompletionRequest,
} from '@errata/contracts';
import type { Caller } from '../caller.ts';
import { readChunks } from '../chunks.ts';
import type { CallOptions } from '../transport.ts';

/** A request whose answer comes at once, or chunk by chunk: by the member that it is given to. */
type Unstreamed<T> = Omit<T, 'stream'>;

export const completions = (caller: Caller) => ({
  create: (request: Unstreamed<CompletionRequest>, call?: CallOptions) =>
    caller.post<Completion>('/v1/completions', request, call),
  /** The answer as it is written. @throws ErrataApiError also where it breaks off */
  stream: (request: Unstreamed<CompletionRequest>, call?: CallOptions) =>
    readChunks<CompletionChunk>(caller, '/v1/completions', request, call),
});

export const chat = (caller: Caller) => ({
  completions: {
    create: (request: Unstreamed<ChatCompletionRequest>, call?: CallOptions) =>
      caller.post<ChatCompletion>('/v1/chat/completions', request, call),
    /** The answer as it is written. @throws ErrataApiError also where it breaks off */
    stream: (request: Unstreamed<ChatCompletionRequest>, call?: CallOptions) =>
      readChunks<ChatCompletionChunk>(caller, '/v1/chat/completions', request, call),
  },
});
