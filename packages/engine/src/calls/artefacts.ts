// Artefacts: what editors read of a model beforehand, as it is built and as it is handed over.
import type { ArtefactNeed, ArtefactUse } from '@errata/contracts';
import type { Method } from './method.ts';
import type { ModelReference } from './models.ts';

/** An artefact as built, and stored as a blob. */
export interface BuiltArtefact {
  readonly scope: string;
  /** All that it was built with. */
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly blob: string;
  readonly bytes: number;
  readonly details: Readonly<Record<string, unknown>>;
}

export interface ArtefactMethods {
  /** Builds artefacts of one kind, in one pass where its kind can: one for each need, in order. */
  readonly buildArtefacts: Method<
    {
      readonly model: ModelReference;
      readonly kind: string;
      readonly needs: readonly ArtefactNeed[];
      /** What was said of how they are built, checked; the rest is left to the kind, and to what the model brought along. */
      readonly request: Readonly<Record<string, unknown>>;
      /** What they are built from. */
      readonly parents: readonly ArtefactUse[];
    },
    { readonly artefacts: readonly BuiltArtefact[] }
  >;
  /** Where the content of an artefact lies on this machine, checked: a file that never changes, and that may go once it is not looked at. */
  readonly locateArtefact: Method<{ readonly blob: string }, { readonly path: string }>;
}
