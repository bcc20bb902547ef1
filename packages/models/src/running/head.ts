// The head of a decoder: scores and logits of rows, some of them at a time, so that the logits of a long text are never there at once.

import {
  argMax,
  float32,
  float32Data,
  gather,
  gatherElements,
  type HostTensor,
  type HostTensors,
  input,
  int32Data,
  logSoftmax,
  mulDims,
  reshape,
  scatterElementsAdd,
  type Tensor,
} from '@errata/graph';
import { headLogits } from '../architectures/decoder.ts';
import type { DecoderSpec } from '../architectures/spec.ts';
import { indices } from './feeds.ts';
import type { BoundProgram, WeightSource } from './program-cache.ts';
import { withoutIds } from './undrawable.ts';

/** Adds to a logit before the most likely token is taken. */
export interface LogitChange {
  readonly row: number;
  /** A token of the model. */
  readonly token: number;
  readonly by: number;
}

/** Feeds of a head that takes changes. */
export const changeFeeds = ({ vocab }: Pick<DecoderSpec, 'vocab'>, changes: readonly LogitChange[]): HostTensors => ({
  changed: indices(changes.map(({ row, token }) => row * vocab + token)),
  changed_by: float32(
    [changes.length],
    Float32Array.from(changes, ({ by }) => by),
  ),
});

/**
 * Of rows R that the final norm put out: `log_probs` of the `targets` and the `best` of each, and the `logits` of those that `logit_rows` L
 * names, whole. `best` is none of `undrawable`.
 * @param changes whether `best` is taken behind {@link changeFeeds}; all else is of the logits as they are
 */
export function headGraph(
  spec: DecoderSpec,
  weight: WeightSource,
  undrawable: readonly number[],
  { changes = false }: { readonly changes?: boolean } = {},
): Record<string, Tensor> {
  const all = headLogits(spec, weight, input('normed', 'float32', ['R', spec.width]));
  const [changed, by] = [input('changed', 'int32', ['K']), input('changed_by', 'float32', ['K'])];
  const chosenFrom = changes
    ? reshape(scatterElementsAdd(reshape(all, [mulDims('R', spec.vocab)]), changed, by, 0), ['R', spec.vocab])
    : all;
  const targets = reshape(input('targets', 'int32', ['R']), ['R', 1]);
  return {
    log_probs: reshape(gatherElements(logSoftmax(all), targets, 1), ['R']),
    best: argMax(withoutIds(chosenFrom, undrawable, spec.vocab)),
    logits: gather(all, input('logit_rows', 'int32', ['L'])),
  };
}

/** Rows at once: 16 MB of logits, but no fewer than make reading the head's matrix once more worth while. */
const rowsAtOnce = ({ vocab }: DecoderSpec): number => Math.max(64, Math.floor(2 ** 22 / vocab));

/**
 * Runs {@link headGraph} over rows, in pieces.
 * @param feeds `normed`, `targets`, `logit_rows` of all of them; `changed` and `changed_by` where that is what the head takes, of no more rows
 * than are run at once
 */
export async function runHead(
  { run }: BoundProgram,
  spec: DecoderSpec,
  feeds: HostTensors,
  weight: (name: string) => Float32Array,
  atOnce: number = rowsAtOnce(spec),
): Promise<Readonly<Record<string, HostTensor>>> {
  const { width, vocab } = spec;
  const normed = float32Data(feeds.normed!);
  const targets = int32Data(feeds.targets!);
  const wanted = int32Data(feeds.logit_rows!);
  const rows = targets.length;
  if (rows <= atOnce) return run(feeds, weight);
  const logProbs = new Float32Array(rows);
  const best = new Int32Array(rows);
  const logits = new Float32Array(wanted.length * vocab);
  for (let from = 0; from < rows; from += atOnce) {
    const to = Math.min(rows, from + atOnce);
    const here = [...wanted.keys()].filter((index) => wanted[index]! >= from && wanted[index]! < to);
    const out = await run(
      {
        normed: float32([to - from, width], normed.subarray(from * width, to * width)),
        targets: indices(targets.subarray(from, to)),
        logit_rows: indices(here.map((index) => wanted[index]! - from)),
      },
      weight,
    );
    logProbs.set(float32Data(out.log_probs!), from);
    best.set(int32Data(out.best!), from);
    const found = float32Data(out.logits!);
    for (const [place, index] of here.entries())
      logits.set(found.subarray(place * vocab, (place + 1) * vocab), index * vocab);
  }
  return {
    log_probs: float32([rows], logProbs),
    best: indices(best),
    logits: float32([wanted.length, vocab], logits),
  };
}
