// Settings of IKE in the words of a random model, for tests.
import type { IkeSettings } from './settings.ts';

export const tinyIke: IkeSettings = {
  template: '{fact} . {prompt}',
  separator: ' . ',
  copy: 1,
  update: 1,
  retain: 1,
  own: false,
  context_share: 0.75,
  threshold: 0.5,
  stop_loss: 1e-2,
};
