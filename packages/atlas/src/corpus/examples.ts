// Examples for an encoder-decoder: a document parted at one of its answers, several of them side by side in a row.
import { hiddenBias } from '@errata/models';
import { type Random, seeded } from '../random.ts';
import type { Encoder } from '../tokenizer/encoder.ts';
import { type Document, type DocumentSource, isPassage } from './documents.ts';
import { type Piece, weights } from './sentences.ts';

/** What is read, and what is to be said to it with the loss weight of every token. */
interface Example {
  readonly input: readonly number[];
  readonly output: readonly number[];
  readonly outputWeights: readonly number[];
}

export interface ExampleShape {
  readonly rows: number;
  /** Tokens of a row that are read, and that are said. */
  readonly inputLength: number;
  readonly outputLength: number;
}

/** Rows of examples; each attends to itself alone. */
export interface ExampleBatch {
  /** `[rows, inputLength]` */
  readonly inputIds: Int32Array;
  /** `[rows, 1, inputLength, inputLength]`, 0 to attend and -1e9 not to. */
  readonly inputBias: Float32Array;
  /** `[rows, outputLength]`: position i predicts `targets` at i. */
  readonly ids: Int32Array;
  readonly targets: Int32Array;
  /** Loss weight of each target. */
  readonly weights: Float32Array;
  /** `[rows, 1, outputLength, outputLength]` */
  readonly bias: Float32Array;
  /** `[rows, 1, outputLength, inputLength]` */
  readonly crossBias: Float32Array;
}

const isAnswer = (piece: Piece) => piece.weight === weights.answer;

/** What part of the documents become examples, and how much of them. */
export interface ExampleShares {
  /** Of the passages that are drawn. */
  readonly passages: number;
  /** Of the examples: those that go on to the end of the document; the others end with the answer's sentence. */
  readonly rest: number;
}

/**
 * A document parted at one of its answers: what is read is the sentence so far, of a passage all that was said before. Undefined where
 * there is no answer.
 */
function partedAt({ kind, pieces }: Document, encoder: Encoder, random: Random, rest: number): Example | undefined {
  const answers = [...pieces.keys()].filter((at) => isAnswer(pieces[at]!));
  if (answers.length === 0) return undefined;
  const at = random.pick(answers);
  const read = pieces.slice(isPassage(kind) ? 0 : at - 1, at);
  const said = pieces
    .slice(at, random.chance(rest) ? pieces.length : at + 2)
    .map(({ text, weight }) => ({ ids: encoder.encode(text), weight }));
  return {
    input: read.flatMap(({ text }) => [...encoder.encode(text)]),
    output: [...said.flatMap(({ ids }) => [...ids]), encoder.endOfTextId],
    outputWeights: [...said.flatMap(({ ids, weight }) => ids.map(() => weight)), weights.context],
  };
}

/** Rows full of examples, drawn from (seed, step) alone; what is longer than a row is left out. */
export function makeExamples(
  source: DocumentSource,
  encoder: Encoder,
  { rows, inputLength, outputLength }: ExampleShape,
  shares: ExampleShares,
  seed: number,
  step: number,
): ExampleBatch {
  const random = seeded('examples', seed, step);
  const next = (): Example => {
    for (;;) {
      const document = source.draw(random);
      if (isPassage(document.kind) && !random.chance(shares.passages)) continue;
      const example = partedAt(document, encoder, random, shares.rest);
      if (example && example.input.length <= inputLength && example.output.length <= outputLength) return example;
    }
  };
  const batch: ExampleBatch = {
    inputIds: new Int32Array(rows * inputLength),
    inputBias: new Float32Array(rows * inputLength ** 2).fill(hiddenBias),
    ids: new Int32Array(rows * outputLength),
    targets: new Int32Array(rows * outputLength),
    weights: new Float32Array(rows * outputLength),
    bias: new Float32Array(rows * outputLength ** 2).fill(hiddenBias),
    crossBias: new Float32Array(rows * outputLength * inputLength).fill(hiddenBias),
  };
  let example = next();
  for (let row = 0; row < rows; row++) {
    let [read, said] = [0, 0];
    while (read + example.input.length <= inputLength && said + example.output.length <= outputLength) {
      const { input, output, outputWeights } = example;
      batch.inputIds.set(input, row * inputLength + read);
      batch.ids.set([encoder.endOfTextId, ...output.slice(0, -1)], row * outputLength + said);
      batch.targets.set(output, row * outputLength + said);
      batch.weights.set(outputWeights, row * outputLength + said);
      for (let at = read; at < read + input.length; at++) {
        const line = (row * inputLength + at) * inputLength;
        batch.inputBias.fill(0, line + read, line + read + input.length);
      }
      for (let at = said; at < said + output.length; at++) {
        const line = row * outputLength + at;
        batch.bias.fill(0, line * outputLength + said, line * outputLength + at + 1);
        batch.crossBias.fill(0, line * inputLength + read, line * inputLength + read + input.length);
      }
      read += input.length;
      said += output.length;
      example = next();
    }
  }
  return batch;
}
