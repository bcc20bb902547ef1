// ROME's measures: which of two answers a model finds likelier, and by how much.

/** Mean negative log-probability of each answer's tokens after one prompt, in nats: length does not count against an answer. */
export interface Rivals {
  /** Of the answer that should win: the new one on prompts about the edit, the true one on neighbours. */
  readonly wanted: number;
  /** Of the answer that should lose. */
  readonly unwanted: number;
}

/** Whether the wanted answer won, in [0, 1], and the difference of probabilities, in [-1, 1]. */
export interface Preference {
  readonly score: number;
  readonly magnitude: number;
}

/**
 * Score and magnitude of one prompt (Meng et al. 2022, section 3.3, as the paper's code computes them): the score is 1 where
 * the wanted answer is the likelier, the magnitude is p(wanted) - p(unwanted) with p = exp(-mean negative log-probability).
 * A tie scores 1/2, as in rank statistics: a model that tells nothing apart is at chance, not at 0 as the code's strict
 * comparison would have it.
 */
export function preference({ wanted, unwanted }: Rivals): Preference {
  const score = wanted < unwanted ? 1 : wanted > unwanted ? 0 : 0.5;
  return { score, magnitude: Math.exp(-wanted) - Math.exp(-unwanted) };
}
