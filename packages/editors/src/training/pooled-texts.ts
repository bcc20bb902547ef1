// Texts pooled by a text encoder as it is before its first step, and where one from nothing begins.
import { float32, float32Data, input, type Matrix, matrix, type Tensor } from '@errata/graph';
import {
  boundedIds,
  encoderParameter,
  type Model,
  pooledTexts,
  type TextSpec,
  textTokenizer,
  tokenEmbeddings,
} from '@errata/models';
import { runPruned } from '../search/programs.ts';
import type { InitialTexts } from './initial-texts.ts';
import { textFeeds, textInputs, trainedName } from './text-feeds.ts';

/** Texts in one run. */
const textsAtOnce = 128;

/** What pools texts, and other things of the same size, with an encoder as it is. */
export function textPooler<Spec extends TextSpec>({ spec, weights, ...told }: InitialTexts<Spec>, model: Model) {
  const reader = { tokenizer: textTokenizer(told, model), bounds: told.bounds };
  const table = encoderParameter(spec.encoder.tokenEmbedding);
  const embeddings = tokenEmbeddings({ spec, weights }, model);
  const inputs = new Map([...spec.parameters].map(([name, dims]) => [name, input(trainedName(name), 'float32', dims)]));
  const own = (name: string) => inputs.get(name)!;
  const parameters = Object.fromEntries(
    [...spec.parameters]
      .filter(([name]) => name !== table)
      .map(([name, dims]) => [trainedName(name), float32(dims, weights.get(name)!)]),
  );
  const program = (what: string, graph: () => Tensor) =>
    model.view().program(`pooled ${what} ${JSON.stringify(spec.config)}`, () => ({ pooled: graph() }));
  return {
    async texts(texts: readonly string[]): Promise<Matrix> {
      const run = await program('texts', () => pooledTexts(spec, own, textInputs(spec, 'B')));
      const size = 4 * spec.encoder.width;
      const all = matrix(texts.length, size);
      for (let from = 0; from < texts.length; from += textsAtOnce) {
        const { feeds } = textFeeds(spec, embeddings, reader, texts.slice(from, from + textsAtOnce));
        all.data.set(float32Data((await runPruned(run, { ...parameters, ...feeds })).pooled!), from * size);
      }
      return all;
    },
    /** @param what determines the graph, together with the encoder */
    async made(what: string, graph: (own: (name: string) => Tensor) => Tensor): Promise<Matrix> {
      const run = await program(what, () => graph(own));
      const vector = float32Data((await runPruned(run, parameters)).pooled!);
      return matrix(1, vector.length, Float64Array.from(vector));
    },
  };
}

/** Texts that tell what tokens have in common. */
const commonSample = 1000;

/** What the outputs of the blocks of an encoder from nothing are multiplied with: it begins as a bag of tokens, nearly. */
const blockShare = 0.01;

/**
 * Has an encoder from nothing begin as its tokens, less what the tokens of the first of these texts have in common (of a language model's
 * embeddings that is most of them): the embedding of the type of a token, whichever it is, takes it away.
 */
export function beginAsTokens<Spec extends TextSpec>(
  { spec, weights, ...told }: InitialTexts<Spec>,
  model: Model,
  texts: readonly string[],
): void {
  const { encoder } = spec;
  const tokenizer = textTokenizer(told, model);
  const ids = texts.slice(0, commonSample).map((text) => boundedIds(tokenizer, told.bounds, text));
  const common = commonToken(tokenEmbeddings({ spec, weights }, model), encoder.width, ids);
  const { embeddingScale = 1 } = encoder;
  const types = weights.get(encoderParameter(encoder.tokenTypes!.table))!;
  for (const at of types.keys()) types[at] = -embeddingScale * common[at % common.length]!;
  for (const { attentionOutput, mlp } of encoder.blocks)
    for (const { weight } of [attentionOutput, mlp.output]) {
      const values = weights.get(encoderParameter(weight))!;
      for (const at of values.keys()) values[at]! *= blockShare;
    }
}

/** The mean embedding of the tokens of texts. @param table `[vocabulary, width]` */
export function commonToken(table: Float32Array, width: number, texts: readonly (readonly number[])[]): Float32Array {
  const ids = texts.flat();
  const mean = new Float64Array(width);
  for (const id of ids) for (let j = 0; j < width; j++) mean[j]! += table[id * width + j]! / ids.length;
  return Float32Array.from(mean);
}
