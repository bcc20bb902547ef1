// Vectors of texts by the sentence encoder of a model.
import type { EmbeddingRequest, Embeddings } from '@errata/contracts';
import type { Caller } from '../caller.ts';
import type { CallOptions } from '../transport.ts';

export const embeddings = ({ post }: Caller) => ({
  create: (request: EmbeddingRequest, call?: CallOptions) => post<Embeddings>('/v1/embeddings', request, call),
});
