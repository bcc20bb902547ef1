// A directory in Hugging Face layout: what all other forms are made into.

import { loadCheckpoint } from '../files/checkpoint.ts';
import type { LocalForm } from './source.ts';

export const directoryForm: LocalForm = {
  format: 'safetensors',
  recognises: () => true,
  open: async (path) => ({ checkpoint: await loadCheckpoint(path) }),
};
