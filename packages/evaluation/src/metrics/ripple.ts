// RippleEdits' criteria: what must change and what must not when one fact changes.

/** How models answered one test of a criterion. */
export interface RippleAnswers {
  /** Of each condition query: whether the model BEFORE the edit answered it rightly. */
  readonly conditions: readonly boolean[];
  /** Of each test query: whether the edited model answered it rightly. */
  readonly queries: readonly boolean[];
  /** Whether all test queries must be right or one of them. */
  readonly passes: 'all' | 'any';
}

/** A criterion of one edit. */
export interface RippleScore {
  /** Fraction of the tests that counted which were passed. */
  readonly value: number;
  /** Tests that counted. */
  readonly count: number;
  /** Tests left out, since the model did not know beforehand what they build on. */
  readonly skipped: number;
}

/**
 * Accuracy on one criterion of one edit (Cohen et al. 2024, section 3): a test counts only where every condition query held
 * BEFORE the edit, since nobody can build on a fact that was never known; it is passed where all, or any, of its queries are
 * right afterwards. A test without queries does not count.
 * @returns null where no test counts
 */
export function rippleScore(tests: readonly RippleAnswers[]): RippleScore | null {
  const counted = tests.filter(({ conditions, queries }) => queries.length > 0 && conditions.every(Boolean));
  if (counted.length === 0) return null;
  const passed = counted.filter(({ queries, passes }) =>
    passes === 'all' ? queries.every(Boolean) : queries.some(Boolean),
  );
  return {
    value: passed.length / counted.length,
    count: counted.length,
    skipped: tests.length - counted.length,
  };
}
