// Artefacts: what editors read of a model beforehand, as it is built and as it is handed over.
import type { ArtefactUse } from '@errata/contracts';
import type { Method } from './method.ts';
import type { ModelReference } from './models.ts';

/** A second moment as built: one layer's blob with its provenance. */
export interface BuiltArtefact extends ArtefactUse {
  readonly bytes: number;
  readonly details: Readonly<Record<string, unknown>>;
}

export interface ArtefactMethods {
  readonly buildSecondMoment: Method<
    {
      readonly model: ModelReference;
      readonly layers: readonly number[];
      /** A text file; the model's own corpus when left out. */
      readonly corpus?: string;
      /** Tokens read at most. */
      readonly tokens?: number;
      /** Added to the diagonal before inversion, as a fraction of its mean. */
      readonly ridge?: number;
    },
    { readonly artefacts: readonly BuiltArtefact[] }
  >;
}
