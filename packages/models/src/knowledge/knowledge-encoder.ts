// A knowledge encoder at work: statements to representations and prompts, queries to representations, and the sentinel's.

import type { StoredKnowledgeEncoder } from './file.ts';
import { pooledTexts, promptsOf, represented, sentinelOf } from './graph.ts';
import type { KnowledgeSpec } from './spec.ts';
import { boundedIds, oneByOne, openTexts, type ReadModel } from './texts.ts';

/** Statements, read. */
export interface Statements {
  /** `[n, representation]` */
  readonly representations: Float32Array;
  /** `[n, promptTokens·promptWidth]` */
  readonly prompts: Float32Array;
}

/** A loaded knowledge encoder. A text is read as it is without white space around it. */
export interface KnowledgeEncoder {
  readonly spec: KnowledgeSpec;
  readonly statements: (texts: readonly string[]) => Promise<Statements>;
  /** Representations of queries, `[n, representation]`. */
  readonly queries: (texts: readonly string[]) => Promise<Float32Array>;
  /** That of one query. Queries that are asked for together are run together. */
  readonly query: (text: string) => Promise<Float32Array>;
  /** That of the sentinel. */
  readonly sentinel: () => Promise<Float32Array>;
  /** Frees all sessions. */
  readonly release: () => Promise<void>;
}

/** @throws ModelError tokenizer_missing; content_malformed where it is for another model */
export function openKnowledgeEncoder(stored: StoredKnowledgeEncoder, own: ReadModel): KnowledgeEncoder {
  const { spec, bounds } = stored;
  const { tokenizer, run, constant, release } = openTexts(stored, own);
  const inputs = (texts: readonly string[]) => texts.map((text) => ({ ids: boundedIds(tokenizer, bounds, text) }));
  const queries = async (texts: readonly string[]) =>
    (
      await run('query', inputs(texts), (weight, read) => ({
        vectors: represented(weight, 'query', pooledTexts(spec, weight, read)),
      }))
    ).vectors;
  let sentinel: Promise<Float32Array> | undefined;
  return {
    spec,
    statements: (texts) =>
      run('knowledge', inputs(texts), (weight, read) => {
        const representations = represented(weight, 'knowledge', pooledTexts(spec, weight, read));
        return { representations, prompts: promptsOf(weight, representations) };
      }),
    queries,
    query: oneByOne(queries),
    sentinel: () => {
      sentinel ??= constant('sentinel', (weight) => sentinelOf(spec, weight));
      return sentinel;
    },
    release,
  };
}
