// Eigenvectors of second moments as they are asked for: as the second moments are, by layers and over a text.
import { type ArtefactNeed, layerScope } from '@errata/contracts';

export const eigenbasisFormat = 'errata-eigenbasis/1';

/** The eigenvectors of the second moment of a layer's keys. */
export const eigenbasisOf = (layer: number): ArtefactNeed => ({
  kind: 'eigenbasis',
  scope: layerScope(layer),
  parameters: {},
});
