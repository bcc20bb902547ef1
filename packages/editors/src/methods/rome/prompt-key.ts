// p-ROME, described (Gupta et al. 2024).
import type { EditorDescription } from '../../description.ts';
import { rome } from './about.ts';
import type { romeSettings } from './settings.ts';

export const promptKeyRome = {
  ...rome,
  title: "p-ROME: rank-one edit of one MLP with the bare prompt's key on both sides",
  paper: 'Gupta et al. 2024, Rebuilding ROME',
  reference: { ...rome.reference, code: 'the repository of Rebuilding ROME' },
  load: () => import('#methods/rome/prompt-key-edit'),
} as const satisfies EditorDescription<typeof romeSettings>;
