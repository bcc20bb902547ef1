// Texts as something trained reads them: its tokenizer, what stands around tokens, its token embeddings, and graphs over batches of them.

import { float32Data, type HostTensors, type Tensor } from '@errata/graph';
import type { PromptModel } from '../deltas/reading.ts';
import { ModelError } from '../errors.ts';
import { packBatches } from '../running/batches.ts';
import { type EncoderInput, encoderFeeds, encoderInputs } from '../running/encoder-feeds.ts';
import { limitsFor, makeProgramCache, type WeightSource } from '../running/program-cache.ts';
import { tokenizerFromFiles } from '../text/load-tokenizer.ts';
import type { Tokenizer } from '../text/tokenizer.ts';
import type { StoredTexts, TextBounds } from './file.ts';
import type { TextInputs } from './graph.ts';
import { encoderParameter, type TextSpec } from './spec.ts';

/** Positions in one run. */
const tokenBudget = 4096;

/** The language model that texts are read for, as far as it may be needed. */
export type ReadModel = Pick<PromptModel, 'spec' | 'tokenizer' | 'base'>;

/** The tokenizer that texts are read with. @throws ModelError tokenizer_missing */
export function textTokenizer(
  { tokenizer }: Pick<StoredTexts, 'tokenizer'>,
  own: Pick<ReadModel, 'tokenizer'>,
): Tokenizer {
  if (tokenizer !== null) return tokenizerFromFiles((name) => tokenizer[name], 'text encoder');
  if (own.tokenizer !== undefined) return own.tokenizer;
  throw new ModelError('tokenizer_missing', {
    where: 'text encoder',
    what: 'the model has no tokenizer to read texts with',
    hint: 'Add the tokenizer of the model',
  });
}

/** Ids of a text as it is read. */
export function boundedIds(tokenizer: Tokenizer, { start, end, longest }: TextBounds, text: string): readonly number[] {
  const room = longest - start.length - end.length;
  return [...start, ...tokenizer.encode(text.trim()).slice(-room), ...end];
}

/**
 * The embeddings that texts are looked up in, `[vocabulary, width]`: of the encoder, or of the base of the language model.
 * @throws ModelError content_malformed where these are not of its width
 */
export function tokenEmbeddings(
  { spec, weights }: { readonly spec: TextSpec; readonly weights: ReadonlyMap<string, Float32Array> },
  own: Pick<ReadModel, 'spec' | 'base'>,
): Float32Array {
  const { tokenEmbedding, width, vocab } = spec.encoder;
  return spec.ownTokens ? ownEmbeddings({ width, vocab }, own) : weights.get(encoderParameter(tokenEmbedding))!;
}

/** The token embeddings of the base of the language model. @throws ModelError content_malformed where they are not of these sizes */
export function ownEmbeddings(
  { width, vocab }: { readonly width: number; readonly vocab: number },
  own: Pick<ReadModel, 'spec' | 'base'>,
): Float32Array {
  if (own.spec.width === width && own.spec.vocab === vocab) return own.base(own.spec.tokenEmbedding);
  throw new ModelError('content_malformed', {
    where: 'text encoder',
    what: `it reads ${vocab} tokens of width ${width}, the model has ${own.spec.vocab} of width ${own.spec.width}`,
    hint: 'Train one for this model',
  });
}

/** Opened for graphs over its texts. */
export interface OpenTexts {
  readonly tokenizer: Tokenizer;
  /**
   * The outputs of a graph over texts, each `[texts, n]`, flat.
   * @param key determines the graph
   */
  readonly run: <Name extends string>(
    key: string,
    texts: readonly EncoderInput[],
    build: (weight: WeightSource, texts: TextInputs) => Readonly<Record<Name, Tensor>>,
  ) => Promise<Readonly<Record<Name, Float32Array>>>;
  /** The output of a graph that reads none. */
  readonly constant: (key: string, build: (weight: WeightSource) => Tensor) => Promise<Float32Array>;
  /** Frees all sessions. */
  readonly release: () => Promise<void>;
}

/** @throws ModelError tokenizer_missing; content_malformed where it is for another model */
export function openTexts(stored: StoredTexts, own: ReadModel): OpenTexts {
  const { spec, weights } = stored;
  const { encoder } = spec;
  const table = encoderParameter(encoder.tokenEmbedding);
  const embeddings = tokenEmbeddings(stored, own);
  const weight = (name: string) => (name === table ? embeddings : weights.get(name)!);
  const parameters = new Map([...spec.parameters, [table, [encoder.vocab, encoder.width]]]);
  const bytes = [...weights.values()].reduce((sum, { byteLength }) => sum + byteLength, embeddings.byteLength);
  const programs = makeProgramCache({ parameters }, weight, limitsFor(bytes));
  return {
    tokenizer: textTokenizer(stored, own),
    run: async (key, texts, build) => {
      const { takes, run } = await programs.get(key, new Set(), (source) => build(source, encoderInputs(encoder)));
      const found: Record<string, Float32Array> = {};
      const sequences = texts.map(({ ids }) => ids);
      for (const { members } of packBatches(sequences, tokenBudget)) {
        const feeds: HostTensors = encoderFeeds(
          encoder,
          members.map((member) => texts[member]!),
        );
        const out = await run(Object.fromEntries(Object.entries(feeds).filter(([name]) => takes(name))), weight);
        for (const [name, tensor] of Object.entries(out)) {
          const part = float32Data(tensor);
          const size = part.length / members.length;
          found[name] ??= new Float32Array(texts.length * size);
          for (const [row, member] of members.entries())
            found[name].set(part.subarray(row * size, (row + 1) * size), member * size);
        }
      }
      return found as never;
    },
    constant: async (key, build) => {
      const { run } = await programs.get(key, new Set(), (source) => ({ vector: build(source) }));
      return float32Data((await run({}, weight)).vector!);
    },
    release: programs.release,
  };
}

/** Vectors of texts one by one: those that are asked for together are run together. @param read vectors of so many texts, flat */
export function oneByOne(read: (texts: readonly string[]) => Promise<Float32Array>) {
  let waiting: { readonly texts: string[]; readonly vectors: Promise<Float32Array> } | undefined;
  return async (text: string): Promise<Float32Array> => {
    if (waiting === undefined) {
      const texts: string[] = [];
      const vectors = Promise.resolve().then(() => {
        waiting = undefined;
        return read(texts);
      });
      waiting = { texts, vectors };
    }
    const { texts, vectors } = waiting;
    const at = texts.push(text) - 1;
    const all = await vectors;
    const size = all.length / texts.length;
    return all.slice(at * size, (at + 1) * size);
  };
}
