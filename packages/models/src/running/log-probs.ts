// Log-probabilities of a token that was chosen or given, with the likeliest others in its place.

import { float32Data } from '@errata/graph';
import { ModelError } from '../errors.ts';
import { checkSequences, layOutBatch } from './batches.ts';
import { indices } from './feeds.ts';
import type { Forward } from './forward.ts';
import { placedIn, positionIn } from './prompts.ts';
import { greatest } from './sampling.ts';
import { freshFeeds } from './score.ts';

/** How probable a token is where it stands, by the model as it is: before temperature, penalties and biases. */
export interface TokenLogProbs {
  /** log p(token | all before it), in nats. */
  readonly logProb: number;
  /** The likeliest tokens in its place, the likeliest first. */
  readonly top: readonly { readonly token: number; readonly logProb: number }[];
}

/** @param top how many of the likeliest to name */
export function tokenLogProbs(logits: Float32Array, token: number, top: number): TokenLogProbs {
  let highest = Number.NEGATIVE_INFINITY;
  for (const logit of logits) if (logit > highest) highest = logit;
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - highest);
  const norm = highest + Math.log(sum);
  const of = (id: number) => logits[id]! - norm;
  return {
    logProb: of(token),
    top: top === 0 ? [] : greatest(logits, top).map((id) => ({ token: id, logProb: of(id) })),
  };
}

/** Logits in one run: bounds memory at some hundreds of MB. */
const logitBudget = 2 ** 25;

/**
 * Log-probabilities of prompts' own tokens from their second on, which is what a version makes of them as it reads them: a memory acts as on
 * a prompt that is to be answered.
 * @param top how many of the likeliest to name in each place
 * @returns a list for each prompt, one shorter than its tokens
 */
export async function promptLogProbs(
  forward: Forward,
  prompts: readonly (readonly number[])[],
  top: number,
): Promise<readonly (readonly TokenLogProbs[])[]> {
  const { vocab, over, family } = forward.spec;
  if (over)
    throw new ModelError('sequence_unscored', {
      where: 'prompt',
      what: `an encoder reads the prompts of a ${family} model, so their tokens have no probabilities`,
      hint: 'Ask for those of the answer',
    });
  checkSequences(forward.spec, prompts);
  const rowsInARun = Math.max(1, Math.floor(logitBudget / vocab));
  const results: TokenLogProbs[][] = [];
  for (const read of await forward.read(prompts.map((ids) => ({ ids, behind: 0 })))) {
    const ids = prompts[results.length]!;
    const batch = layOutBatch([read.ids], [0]);
    const placed = [placedIn(batch, 0, read)];
    const found: TokenLogProbs[] = [];
    for (let from = 0; from + 1 < ids.length; from += rowsInARun) {
      const places = Array.from({ length: Math.min(rowsInARun, ids.length - 1 - from) }, (_, i) => from + i);
      const out = await forward.run(
        {
          ...freshFeeds(forward, batch),
          // What stands in front of a token, a memory's tokens among it, foretells it.
          rows: indices(places.map((at) => positionIn(read, at + 1) - 1)),
          targets: indices(places.map(() => 0)),
          logit_rows: indices(places.map((_, row) => row)),
        },
        placed,
      );
      const logits = float32Data(out.logits!);
      for (const [row, at] of places.entries())
        found.push(tokenLogProbs(logits.subarray(row * vocab, (row + 1) * vocab), ids[at + 1]!, top));
    }
    results.push(found);
  }
  return results;
}
