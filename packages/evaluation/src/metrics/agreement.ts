// Token accuracy: how much of what is expected the model puts first, the tokens before being given to it.

/**
 * Token accuracy and its all-or-nothing form: of the tokens expected, how many the model puts first when the ones before
 * are given to it. A three-token target with one hit scores 1/3 by token and 0 by all. This is what editing papers report
 * as rewrite accuracy; it leaks the answer's length and its earlier tokens, which is why `exact` stands beside it.
 *
 * @param predicted the argmax at each target position, `expected.length` of them
 * @throws RangeError when the lengths differ or nothing is expected
 */
export function tokenAgreement(
  predicted: readonly number[],
  expected: readonly number[],
): { readonly token: number; readonly all: number } {
  if (expected.length === 0 || predicted.length !== expected.length)
    throw new RangeError(`${predicted.length} predictions for ${expected.length} expected tokens`);
  const hits = expected.filter((id, position) => predicted[position] === id).length;
  return { token: hits / expected.length, all: hits === expected.length ? 1 : 0 };
}
