// Settings of retrieval in the words of a random model, for tests.
import type { RetrievalSettings } from './settings.ts';

export const tinyRetrieval: RetrievalSettings = {
  template: '{fact}',
  similarity: 'words',
  threshold: 0.5,
  top_k: 1,
  stop_loss: 1e-2,
};
