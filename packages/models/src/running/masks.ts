// Attention biases: what each position may attend to, as numbers added to the scores.

/** Hides a position. Softmax of a row of -Infinity is NaN; e^-1e9 is exactly 0 in float32. */
export const hidden = -1e9;

/** Bias `[batch, 1, time, time]`: every position attends to itself and those before it. */
export function causalBias(batch: number, time: number): Float32Array {
  const bias = new Float32Array(batch * time * time);
  for (let t = 0; t < time; t++) bias.fill(hidden, t * time + t + 1, (t + 1) * time);
  for (let b = 1; b < batch; b++) bias.copyWithin(b * time * time, 0, time * time);
  return bias;
}

/** Bias `[batch, 1, 1, time]`: every token of a text is attended to, the padding behind it is not. */
export function paddingBias(lengths: readonly number[], time: number): Float32Array {
  const bias = new Float32Array(lengths.length * time);
  for (const [row, length] of lengths.entries()) bias.fill(hidden, row * time + length, (row + 1) * time);
  return bias;
}
