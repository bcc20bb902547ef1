// Choosing among options by their likelihood: four ways to compare options of different lengths, each a score of its own.
import type { ChoiceScore } from '@errata/contracts';

/** What a model makes of one option behind its prompt. */
export interface OptionReading {
  /** log p(token | prompt and the tokens before it), in nats, of each token of the option. */
  readonly logProbs: readonly number[];
  /** Id of the option's first token. */
  readonly firstToken: number;
}

/**
 * The weight of each option, by every way of weighing:
 * - `likelihood`: the log-probability of the whole option, which favours short ones;
 * - `likelihood_per_token`: the same over its number of tokens;
 * - `likelihood_per_character`: the same over its length in characters, which no tokenizer changes (the evaluation
 *   harness's `acc_norm`, Gao et al. 2021);
 * - `first_token`: the log-probability of its first token alone, as RECIPE (Chen et al. 2024) chooses. Options that begin
 *   with the same token weigh the same.
 * @param lengths characters of each option
 */
export function weighOptions(
  options: readonly OptionReading[],
  lengths: readonly number[],
): Readonly<Record<ChoiceScore, readonly number[]>> {
  const sums = options.map(({ logProbs }) => logProbs.reduce((sum, logProb) => sum + logProb, 0));
  // One token has one probability; two batches may give it different last bits, and a tie must stay a tie.
  const ofFirst = new Map<number, number>();
  for (const { firstToken, logProbs } of options) if (!ofFirst.has(firstToken)) ofFirst.set(firstToken, logProbs[0]!);
  return {
    likelihood: sums,
    likelihood_per_token: sums.map((sum, option) => sum / options[option]!.logProbs.length),
    likelihood_per_character: sums.map((sum, option) => sum / lengths[option]!),
    first_token: options.map(({ firstToken }) => ofFirst.get(firstToken)!),
  };
}

/**
 * 1 where the right option outweighs all others, 0 where another outweighs it. Where it shares the first place with k - 1
 * others the score is 1/k, what picking one of them blindly earns: so a model that cannot tell options apart is at chance,
 * and not at the share of questions whose right option happens to stand first.
 */
export function choiceCredit(weights: readonly number[], answer: number): number {
  const top = heaviest(weights);
  return top.includes(answer) ? 1 / top.length : 0;
}

/** Options of the greatest weight, in order. A weight that is not a number, as of a broken model, weighs least. */
export function heaviest(weights: readonly number[]): readonly number[] {
  const known = weights.map((weight) => (Number.isNaN(weight) ? Number.NEGATIVE_INFINITY : weight));
  const best = Math.max(...known);
  return known.flatMap((weight, option) => (weight === best ? [option] : []));
}
