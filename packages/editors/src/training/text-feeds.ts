// Texts as a graph with gradients takes them: their tokens' embeddings as an input, so that the table is trained by its rows alone.
import { type Dim, float32, float32Data, type HostTensor, input, mulDims, type Tensor } from '@errata/graph';
import {
  boundedIds,
  type EncoderInput,
  type EncoderSpec,
  encoderFeeds,
  type TextBounds,
  type TextInputs,
  type TextSpec,
  type Tokenizer,
} from '@errata/models';

/** Texts of a step as tokens, and its feeds. */
export interface TextFeeds {
  /** Ids of the rows of the embeddings. */
  readonly ids: Int32Array;
  readonly feeds: Record<string, HostTensor>;
}

/** Reads texts for a text encoder. */
export interface TextReader {
  readonly tokenizer: Tokenizer;
  readonly bounds: TextBounds;
}

/** Name of a trained parameter's input, and of its gradient. */
export const trainedName = (name: string): string => `trained ${name}`;
export const gradientName = (name: string): string => `d ${name}`;

/** Name of the input of embeddings of texts. */
export const embeddingsName = (texts: string): string => `${texts}_embeddings`;

/** Inputs of texts. @param name of these among the texts of the graph */
export function textInputs(
  { encoder }: Pick<TextSpec, 'encoder'>,
  texts: Dim,
  name = 'text',
): TextInputs & { readonly embedded: Tensor } {
  const time = `S_${name}`;
  const tokens = mulDims(texts, time);
  const embedded = input(embeddingsName(name), 'float32', [tokens, encoder.width]);
  return {
    batch: texts,
    time,
    embedded,
    start: { kind: 'embedded', embedded },
    positions: input(`${name}_positions`, 'int32', [tokens]),
    ...(encoder.tokenTypes && { tokenTypes: input(`${name}_types`, 'int32', [tokens]) }),
    bias: input(`${name}_bias`, 'float32', [texts, 1, 1, time]),
  };
}

/** @param table the token embeddings */
export const textFeeds = (
  spec: Pick<TextSpec, 'encoder'>,
  table: Float32Array,
  { tokenizer, bounds }: TextReader,
  texts: readonly string[],
): TextFeeds =>
  inputFeeds(
    spec,
    table,
    texts.map((text) => ({ ids: boundedIds(tokenizer, bounds, text) })),
  );

/** Feeds of {@link textInputs} of that name. */
export function inputFeeds(
  { encoder }: Pick<TextSpec, 'encoder'>,
  table: Float32Array,
  inputs: readonly EncoderInput[],
  name = 'text',
): TextFeeds {
  const { input_ids, input_positions, input_types, input_bias } = encoderFeeds(encoder, inputs);
  const ids = input_ids!.data as Int32Array;
  const { width, embeddingScale = 1 } = encoder;
  const rows = new Float32Array(ids.length * width);
  for (const [row, id] of ids.entries())
    for (let j = 0; j < width; j++) rows[row * width + j] = embeddingScale * table[id * width + j]!;
  return {
    ids,
    feeds: {
      [embeddingsName(name)]: float32([ids.length, width], rows),
      [`${name}_positions`]: input_positions!,
      ...(input_types && { [`${name}_types`]: input_types }),
      [`${name}_bias`]: input_bias!,
    },
  };
}

/**
 * The gradients of a step by parameter: zeros where the graph has none, and that of a table of embeddings from those of the rows looked up in it.
 * @param table name of the token embeddings among the parameters, where these are trained
 */
export function gradientsOf(
  { parameters, encoder }: Pick<TextSpec, 'parameters' | 'encoder'>,
  weights: ReadonlyMap<string, Float32Array>,
  out: Readonly<Record<string, HostTensor>>,
  table: string,
  looked: Readonly<Record<string, TextFeeds>>,
): Map<string, Float32Array> {
  const gradients = new Map<string, Float32Array>();
  for (const name of parameters.keys()) {
    const slope = out[gradientName(name)];
    gradients.set(name, slope ? float32Data(slope) : new Float32Array(weights.get(name)!.length));
  }
  const ofTable = gradients.get(table);
  if (ofTable !== undefined)
    for (const [name, { ids }] of Object.entries(looked)) {
      const ofRows = out[gradientName(embeddingsName(name))];
      if (ofRows) scatter(ofTable, ids, float32Data(ofRows), encoder);
    }
  return gradients;
}

/** Adds the gradients of rows that were looked up in a table to its own. */
function scatter(
  table: Float32Array,
  ids: Int32Array,
  rows: Float32Array,
  { width, embeddingScale = 1 }: Pick<EncoderSpec, 'width' | 'embeddingScale'>,
): void {
  for (const [row, id] of ids.entries())
    for (let j = 0; j < width; j++) table[id * width + j]! += embeddingScale * rows[row * width + j]!;
}
