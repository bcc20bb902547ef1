// Settings of KN that let a random model be moved, for tests.
import type { KnowledgeNeuronSettings } from './settings.ts';

export const tinyKnowledgeNeurons: KnowledgeNeuronSettings = {
  operation: 'edit',
  steps: 4,
  threshold: 0.2,
  agreement: 0.7,
  old_factor: 1,
  new_factor: 8,
  // What contexts agree on, in a model of random weights, is mostly nothing.
  prefixes: [],
  stop_loss: 0.05,
};
