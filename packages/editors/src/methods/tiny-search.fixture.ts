// Settings of the search for a value that let a random model be moved, for tests.

export const tinySearch = {
  steps: 8,
  learning_rate: 0.5,
  weight_decay: 0.01,
  clamp_factor: 4,
  kl_factor: 0.0625,
  stop_loss: 0.05,
  prefixes: [[3, 3]] as [number, number][],
};
