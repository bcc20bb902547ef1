// Models: what a directory holds, and how an imported one is named.
import type { ModelDefaults } from '@errata/editors/catalogue';
import type { Method } from './method.ts';

/** A file of an imported model: its name within the model's directory and the blob that holds it. */
export interface ModelFile {
  readonly name: string;
  readonly sha256: string;
  readonly size: number;
}

/** An imported model as the engine needs it. `digest` is over its config, weights and tokenizer: the model's identity. */
export interface ModelReference {
  readonly digest: string;
  readonly files: readonly ModelFile[];
}

/** What a model directory turned out to hold. */
export interface ModelInspection extends ModelReference {
  readonly model_type: string;
  readonly parameters: number;
  readonly layers: number;
  readonly width: number;
  readonly vocabulary: number;
  readonly context: number;
  readonly has_tokenizer: boolean;
  readonly defaults: ModelDefaults;
}

export interface ModelMethods {
  /** Reads a model directory without storing anything but its digests. */
  readonly inspectModel: Method<{ readonly path: string }, ModelInspection>;
  /** Checks a model directory and stores its files as blobs. */
  readonly importModel: Method<{ readonly path: string }, ModelInspection>;
}
