// Editor settings that suit the shipped model: from sweeps over layers and searches on its own edit sets (see its card).

const search = { steps: 25, learning_rate: 0.5, weight_decay: 0.5, kl_factor: 0.0625, stop_loss: 0.05 };

export const editorDefaults = {
  rome: { ...search, layer: 2, clamp_factor: 7, prefixes: [[10, 5]], second_moment: true },
  'r-rome': { ...search, layer: 2, clamp_factor: 7, prefixes: [[10, 5]], second_moment: true },
  memit: {
    ...search,
    layers: [1, 2],
    clamp_factor: 8,
    prefixes: [[5, 5]],
    second_moment_weight: 30,
    merge_same_subject: true,
  },
};
