// Edits: laid out, made into deltas, or made and thrown away.
import type {
  ArtefactUse,
  CaseResult,
  ConfigOverrides,
  Cost,
  DeltaReference,
  Edit,
  ErrorCode,
  PlacedCase,
  VersionSource,
} from '@errata/contracts';
import type { EditOutcome } from '@errata/editors';
import type { ModelDefaults } from '@errata/editors/catalogue';
import type { Method } from './method.ts';
import type { ModelReference } from './models.ts';

/** An edit as a model's tokenizer lays it out. */
export interface EditLayout {
  readonly custom_id: string;
  readonly prompt_tokens: number;
  readonly target_tokens: number;
  /** Positions in the prompt's tokens; null for an edit without a subject. */
  readonly subject: { readonly first: number; readonly last: number } | null;
  /** Prompts that the edit has, its own and those of its probes, and the tokens of the longest with its answer. */
  readonly prompts: number;
  readonly longest: number;
}

/** Why a text of a batch cannot be put to a model. */
export interface LayoutComplaint {
  readonly position: number;
  /** From the edit to the text. */
  readonly path: readonly (string | number)[];
  readonly code: ErrorCode;
  readonly message: string;
}

/** A delta that an edit left, in installing order. */
export interface BuiltDelta {
  readonly kind: string;
  readonly blob: string;
  readonly bytes: number;
  /** Indices into the call's edits that this delta carries. */
  readonly positions: readonly number[];
  /** ||delta||_F / ||W||_F with W as the parent has it; null for a kind that adds to no matrix. */
  readonly norm: number | null;
}

export interface EditMethods {
  /** Lays out every prompt of a batch, the edits' own and their probes', by the tokenizer alone: no weight is read. */
  readonly layOutEdits: Method<
    {
      readonly model: ModelReference;
      /** Tokens that the model reads. */
      readonly context: number;
      readonly edits: readonly Edit[];
    },
    {
      /** One for each edit, in order; those complained of are left out. */
      readonly layouts: readonly EditLayout[];
      readonly complaints: readonly LayoutComplaint[];
      /** What the model's directory brought along. */
      readonly defaults: ModelDefaults;
    }
  >;
  readonly applyEdits: Method<
    {
      readonly model: ModelReference;
      readonly parent: VersionSource;
      readonly edits: readonly Edit[];
      readonly editor: string;
      readonly config: ConfigOverrides;
      readonly seed: number;
      readonly on_error: 'abort' | 'continue';
      readonly artefacts: readonly ArtefactUse[];
    },
    {
      readonly deltas: readonly BuiltDelta[];
      /** What became of each edit, in order. Those that the model cannot be asked about were not made. */
      readonly outcomes: readonly EditOutcome[];
      /** The complete settings that were used. */
      readonly config: ConfigOverrides;
      readonly seconds: number;
    }
  >;
  /**
   * Makes batches of edits, each on the same version, and puts the cases to what came of each. Edits that cannot be made are asked
   * about all the same, of the version without them, and reported as failed. Nothing stays of it but what `keep` asks for.
   */
  readonly tryEdits: Method<
    {
      readonly model: ModelReference;
      readonly version: VersionSource;
      /** What a stream of edits began at: agreement with it is measured as well. */
      readonly base?: VersionSource;
      readonly batches: readonly (readonly PlacedCase[])[];
      readonly editor: string;
      readonly config: ConfigOverrides;
      readonly seed: number;
      readonly artefacts: readonly ArtefactUse[];
      /** Store the deltas, so that more can be made on top. */
      readonly keep: boolean;
    },
    { readonly results: readonly CaseResult[]; readonly cost: Cost; readonly deltas: readonly DeltaReference[] }
  >;
}
