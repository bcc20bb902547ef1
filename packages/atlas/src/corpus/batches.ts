// Batches of token ids: step t of a run is drawn from (seed, t) alone, so a resumed run sees what an unbroken one would.
import { seeded } from '../random.ts';
import type { Encoder } from '../tokenizer/encoder.ts';
import { type DocumentSource, isPassage } from './documents.ts';
import { weights } from './sentences.ts';

export interface Batch {
  /** [rows, length] token ids; position i predicts `targets` at i. */
  readonly inputs: Int32Array;
  readonly targets: Int32Array;
  /** Loss weight of each target. */
  readonly weights: Float32Array;
  /** 1 where an input belongs to a passage, whose questions are answered by reading. */
  readonly passages: Uint8Array;
}

export interface BatchShape {
  readonly rows: number;
  readonly length: number;
}

/** Tokens that are no answers count one time in three, and threefold: the same loss in the mean for fewer rows of the head. */
const contextShare = 1 / 3;
const answerWeight = weights.answer;
const endWeight = 0.05;

/** Rows of documents parted by the end-of-text token; every row begins with a document, the last one is cut. */
export function makeBatch(
  source: DocumentSource,
  encoder: Encoder,
  shape: BatchShape,
  seed: number,
  step: number,
): Batch {
  const random = seeded('batch', seed, step);
  const thinned = (weight: number) =>
    weight === 0 || weight === answerWeight ? weight : random.chance(contextShare) ? weight / contextShare : 0;
  const { rows, length } = shape;
  const inputs = new Int32Array(rows * length);
  const targets = new Int32Array(rows * length);
  const targetWeights = new Float32Array(rows * length);
  const passages = new Uint8Array(rows * length);
  for (let row = 0; row < rows; row++) {
    const ids: number[] = [];
    const rowWeights: number[] = [];
    while (ids.length <= length) {
      const { kind, pieces } = source.draw(random);
      const begin = ids.length;
      for (const { text, weight } of pieces) {
        for (const id of encoder.encode(text)) {
          ids.push(id);
          rowWeights.push(thinned(weight));
        }
      }
      ids.push(encoder.endOfTextId);
      rowWeights.push(thinned(endWeight));
      if (isPassage(kind))
        passages.fill(1, row * length + Math.min(begin, length), row * length + Math.min(ids.length, length));
    }
    for (let i = 0; i < length; i++) {
      inputs[row * length + i] = ids[i]!;
      targets[row * length + i] = ids[i + 1]!;
      targetWeights[row * length + i] = rowWeights[i + 1]!;
    }
  }
  return { inputs, targets, weights: targetWeights, passages };
}
