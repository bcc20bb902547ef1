// A knowledge encoder at work: statements to representations and prompts, queries to representations, and the sentinel's.

import { float32Data, type HostTensors } from '@errata/graph';
import type { PromptModel } from '../deltas/reading.ts';
import { ModelError } from '../errors.ts';
import { packBatches } from '../running/batches.ts';
import { encoderFeeds, encoderInputs } from '../running/encoder-feeds.ts';
import { limitsFor, makeProgramCache } from '../running/program-cache.ts';
import { tokenizerFromFiles } from '../text/load-tokenizer.ts';
import type { Tokenizer } from '../text/tokenizer.ts';
import type { StoredKnowledgeEncoder, TextBounds } from './file.ts';
import { pooledTexts, promptsOf, represented, sentinelOf } from './graph.ts';
import { encoderParameter, type KnowledgeSpec } from './spec.ts';

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

/** Positions in one run. */
const tokenBudget = 4096;

/** The language model that a knowledge encoder works for, as far as it may need it. */
export type ReadModel = Pick<PromptModel, 'spec' | 'tokenizer' | 'base'>;

/** The tokenizer that a knowledge encoder reads texts with. @throws ModelError tokenizer_missing */
export function knowledgeTokenizer(
  { tokenizer }: Pick<StoredKnowledgeEncoder, 'tokenizer'>,
  own: Pick<ReadModel, 'tokenizer'>,
): Tokenizer {
  if (tokenizer !== null) return tokenizerFromFiles((name) => tokenizer[name], 'knowledge encoder');
  if (own.tokenizer !== undefined) return own.tokenizer;
  throw new ModelError('tokenizer_missing', {
    where: 'knowledge encoder',
    what: 'the model has no tokenizer to read texts with',
    hint: 'Add the tokenizer of the model',
  });
}

/** Ids of a text as a knowledge encoder reads it. */
export function boundedIds(tokenizer: Tokenizer, { start, end, longest }: TextBounds, text: string): readonly number[] {
  const room = longest - start.length - end.length;
  return [...start, ...tokenizer.encode(text.trim()).slice(-room), ...end];
}

/**
 * The embeddings that texts are looked up in, `[vocabulary, width]`: of the encoder, or of the base of the language model.
 * @throws ModelError content_malformed where these are not of its width
 */
export function tokenEmbeddings(
  { spec, weights }: Pick<StoredKnowledgeEncoder, 'spec' | 'weights'>,
  own: Pick<ReadModel, 'spec' | 'base'>,
): Float32Array {
  const { tokenEmbedding, width, vocab } = spec.encoder;
  if (!spec.ownTokens) return weights.get(encoderParameter(tokenEmbedding))!;
  if (own.spec.width === width && own.spec.vocab === vocab) return own.base(own.spec.tokenEmbedding);
  throw new ModelError('content_malformed', {
    where: 'knowledge encoder',
    what: `it reads ${vocab} tokens of width ${width}, the model has ${own.spec.vocab} of width ${own.spec.width}`,
    hint: 'Train one for this model',
  });
}

/** @throws ModelError tokenizer_missing; content_malformed where it is for another model */
export function openKnowledgeEncoder(stored: StoredKnowledgeEncoder, own: ReadModel): KnowledgeEncoder {
  const { spec, weights, bounds } = stored;
  const { encoder } = spec;
  const tokenizer = knowledgeTokenizer(stored, own);
  const table = encoderParameter(encoder.tokenEmbedding);
  const embeddings = tokenEmbeddings(stored, own);
  const weight = (name: string) => (name === table ? embeddings : weights.get(name)!);
  const parameters = new Map([...spec.parameters, [table, [encoder.vocab, encoder.width]]]);
  const bytes = [...weights.values()].reduce((sum, { byteLength }) => sum + byteLength, embeddings.byteLength);
  const programs = makeProgramCache({ parameters }, weight, limitsFor(bytes));

  const read = async (head: 'knowledge' | 'query', texts: readonly string[]) => {
    const sequences = texts.map((text) => boundedIds(tokenizer, bounds, text));
    const representations = new Float32Array(texts.length * spec.representation);
    const prompts = new Float32Array(head === 'query' ? 0 : texts.length * spec.promptTokens * spec.promptWidth);
    const { takes, run } = await programs.get(head, new Set(), (source) => {
      const vectors = represented(source, head, pooledTexts(spec, source, encoderInputs(spec.encoder)));
      return head === 'query' ? { vectors } : { vectors, prompts: promptsOf(source, vectors) };
    });
    for (const { members } of packBatches(sequences, tokenBudget)) {
      const feeds: HostTensors = encoderFeeds(
        spec.encoder,
        members.map((member) => ({ ids: sequences[member]! })),
      );
      const out = await run(Object.fromEntries(Object.entries(feeds).filter(([name]) => takes(name))), weight);
      const place = (all: Float32Array, found: Float32Array) => {
        const size = found.length / members.length;
        for (const [row, member] of members.entries())
          all.set(found.subarray(row * size, (row + 1) * size), member * size);
      };
      place(representations, float32Data(out.vectors!));
      if (out.prompts) place(prompts, float32Data(out.prompts));
    }
    return { representations, prompts };
  };

  let sentinel: Promise<Float32Array> | undefined;
  const findSentinel = async () => {
    const { run } = await programs.get('sentinel', new Set(), (source) => ({ vector: sentinelOf(spec, source) }));
    return float32Data((await run({}, weight)).vector!);
  };

  const queries = async (texts: readonly string[]) => (await read('query', texts)).representations;
  let waiting: { readonly texts: string[]; readonly vectors: Promise<Float32Array> } | undefined;
  const query = async (text: string) => {
    if (waiting === undefined) {
      const texts: string[] = [];
      const vectors = Promise.resolve().then(() => {
        waiting = undefined;
        return queries(texts);
      });
      waiting = { texts, vectors };
    }
    const { texts, vectors } = waiting;
    const at = texts.push(text) - 1;
    const { representation: size } = spec;
    return (await vectors).slice(at * size, (at + 1) * size);
  };

  return {
    spec,
    statements: (texts) => read('knowledge', texts),
    queries,
    query,
    sentinel: () => {
      sentinel ??= findSentinel();
      return sentinel;
    },
    release: programs.release,
  };
}
