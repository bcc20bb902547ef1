// Models: what was given holds, and how an imported one is named.
import type { ModelOrigin } from '@errata/contracts';
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

/** What was given turned out to hold. */
export interface ModelInspection extends ModelReference {
  readonly model_type: string;
  readonly parameters: number;
  readonly layers: number;
  readonly width: number;
  readonly vocabulary: number;
  readonly context: number;
  readonly has_tokenizer: boolean;
  readonly defaults: ModelDefaults;
  /** What was given, then what that was merged onto. */
  readonly origin: readonly ModelOrigin[];
  /** What a person should know of it, in sentences: tensors that are not read, and the like. */
  readonly remarks: readonly string[];
}

/** A model that is to be read. */
export interface GivenModel {
  /** A directory in Hugging Face layout, a GGUF file, the directory of an adapter, or a name on the hub. */
  readonly path: string;
  /** What an adapter is merged onto, instead of what it names. */
  readonly base?: string | undefined;
}

export interface ModelMethods {
  /** Reads a model without storing anything but its digests. */
  readonly inspectModel: Method<GivenModel, ModelInspection>;
  /** Checks a model and stores its files as blobs: those of the directory, or of the one that it is made into. */
  readonly importModel: Method<GivenModel, ModelInspection>;
}
