// The middle value: what benchmarks report, since a shared machine has outliers.
export const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
