// The contract of what builds the artefacts of a kind, and reads them.
import type { ArtefactNeed } from '@errata/contracts';
import type { Model } from '@errata/models';
import type { ArtefactRequestFields } from './description.ts';

/** The artefacts of one base model, as whoever needs them reads them. */
export interface Artefacts {
  /** Digest of the base model they belong to. */
  readonly model: string;
  /** What is there for a need, decoded. @throws ErrataError `artefact_missing` */
  read<Value>(builder: ArtefactBuilder<Value>, need: ArtefactNeed): Promise<Value>;
}

/** What a builder is given. */
export interface BuildInput {
  /** The base model, loaded; its digest. */
  readonly model: Model;
  readonly digest: string;
  /** What the request said of how, where somebody asked for it; checked, and each field may be left out. */
  readonly request: ArtefactRequestFields;
  /** A text file that the model brought along. */
  readonly corpus: string | undefined;
  /** What the model brought along for a kind; undefined where it brought nothing. */
  brought(kind: string): Promise<Uint8Array | undefined>;
}

export interface BuildProgress {
  readonly stage: string;
  readonly done: number;
  readonly total: number;
}

/** How it is built. */
export interface BuildOptions {
  readonly onProgress?: ((progress: BuildProgress) => void) | undefined;
  /** Checked between steps; its reason is thrown. */
  readonly signal?: AbortSignal | undefined;
}

/** Where a build that was broken off goes on from. What cannot be read, or is of another build, is left alone. */
export interface Checkpoint {
  read(): Promise<Uint8Array | undefined>;
  write(bytes: Uint8Array): Promise<void>;
}

export interface BuiltArtefact {
  /** All that it was built with. */
  readonly parameters: ArtefactRequestFields;
  readonly bytes: Uint8Array;
  /** What its kind tells of it: counts, sources; of one that was trained its data, seed, curve and the checkpoint chosen. */
  readonly details: Readonly<Record<string, unknown>>;
}

/** What builds the artefacts of a kind, and reads them. Equal inputs give equal bytes, on one build and provider, broken off or not. */
export interface ArtefactBuilder<Value = unknown> {
  /** What each of these would be built with now, beside the format: what was needed of it, and the rest as the input has it. */
  parameters(needs: readonly ArtefactNeed[], input: BuildInput): Promise<readonly ArtefactRequestFields[]>;
  /** Builds them, in one pass where that is possible; the bytes of each with what is told of it, in order, the next when it is asked for: they may be large. */
  build(
    needs: readonly ArtefactNeed[],
    input: BuildInput,
    options: BuildOptions & { readonly parents: Artefacts; readonly checkpoint: Checkpoint },
  ): AsyncIterable<Omit<BuiltArtefact, 'parameters'>>;
  /** Reads one that was stored for a scope of a model. @throws ErrataError `blob_corrupt`; `artefact_missing` where it is another's */
  decode(bytes: Uint8Array, of: { readonly model: string; readonly scope: string }): Value;
}
