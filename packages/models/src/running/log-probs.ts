// Log-probabilities of a token that was chosen or given, with the likeliest others in its place.

import { greatest } from './sampling.ts';

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
