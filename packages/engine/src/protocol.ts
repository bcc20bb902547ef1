// What crosses between a client and its engine process: closed unions of plain data. Binary stays in the blob store.
import type {
  AskedQuestion,
  CaseResult,
  ComparisonResult,
  ConfigOverrides,
  Cost,
  DeltaKind,
  DeltaReference,
  Edit,
  EditResult,
  ErrorCode,
  EvaluatedEditor,
  EvaluationOutcome,
  EvaluationSummary,
  GateMeasurements,
  GatePolicy,
  GivenAnswer,
  MergedCases,
  ModelDefaults,
  PlacedCase,
  PlainError,
  SuiteCase,
  VersionSource,
  WeightsDiff,
} from '@errata/contracts';

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

/** A stored artefact to be used by an editor. */
export interface ArtefactReference {
  readonly kind: 'second_moment';
  readonly layer: number;
  readonly blob: string;
}

/** A second moment as built: one layer's blob with its provenance. */
export interface BuiltArtefact extends ArtefactReference {
  readonly bytes: number;
  readonly details: Readonly<Record<string, unknown>>;
}

/** A delta that an edit left, in installing order. */
export interface BuiltDelta {
  readonly kind: DeltaKind;
  readonly blob: string;
  readonly bytes: number;
  /** Indices into the call's edits that this delta carries. */
  readonly positions: readonly number[];
  /** ||delta||_F / ||W||_F with W as the parent has it; null for a kind that adds to no matrix. */
  readonly norm: number | null;
}

/** A gate to measure a candidate for. */
export interface GateRequest {
  readonly policy: GatePolicy;
  /** The version that the branch began at. */
  readonly base?: VersionSource;
  /** Of each edit; null where it left nothing in a matrix. */
  readonly edit_norms?: readonly (number | null)[];
  /** Of the branch's earlier edits. */
  readonly earlier_norms?: readonly number[];
}

/** An edit as a model's tokenizer lays it out. */
export interface EditLayout {
  readonly custom_id: string;
  readonly prompt_tokens: number;
  readonly target_tokens: number;
  /** Positions in the prompt's tokens. */
  readonly subject: { readonly first: number; readonly last: number };
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

export interface EditFailure {
  readonly position: number;
  readonly error: PlainError;
}

export interface Sampling {
  readonly max_tokens: number;
  readonly temperature: number;
  readonly top_k?: number;
  readonly seed: number;
  readonly stop?: readonly string[];
}

export interface Completion {
  readonly text: string;
  readonly finish_reason: 'stop' | 'length';
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
}

export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

interface Method<Params, Result> {
  readonly params: Params;
  readonly result: Result;
}

/** An evaluation as a whole. */
export interface Concluded {
  readonly summary: EvaluationSummary;
  readonly outcome: EvaluationOutcome;
  /** The report as one page of HTML. */
  readonly report: string;
}

/** Every method of an engine process, with what it takes and gives. */
export interface EngineMethods {
  /** Reads a model directory without storing anything but its digests. */
  readonly inspectModel: Method<{ readonly path: string }, ModelInspection>;
  /** Checks a model directory and stores its files as blobs. */
  readonly importModel: Method<{ readonly path: string }, ModelInspection>;
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
      readonly artefacts: readonly ArtefactReference[];
    },
    {
      readonly deltas: readonly BuiltDelta[];
      /** One for each edit, in order; empty for one that failed. */
      readonly diagnostics: readonly Readonly<Record<string, unknown>>[];
      /** Positions of edits that the model held before anything was done: they have no part in a delta. */
      readonly held: readonly number[];
      readonly failures: readonly EditFailure[];
      /** The complete settings that were used. */
      readonly config: ConfigOverrides;
      readonly seconds: number;
    }
  >;
  readonly evaluateCandidate: Method<
    {
      readonly model: ModelReference;
      readonly parent: VersionSource;
      readonly candidate: VersionSource;
      readonly edits: readonly Edit[];
      readonly diagnostics?: readonly Readonly<Record<string, unknown>>[];
      readonly failures?: readonly EditFailure[];
      readonly held?: readonly number[];
      readonly edit_seconds?: number;
      /** A text file for perplexity; the model's own corpus when left out. */
      readonly corpus?: string;
      /** What a gate will look at besides the edits' own probes. */
      readonly gate?: GateRequest;
    },
    {
      readonly results: readonly EditResult[];
      readonly summary: EvaluationSummary;
      /** What the gate of the request looks at; what every gate may, without one. */
      readonly measured: GateMeasurements;
    }
  >;
  /** Puts a block of cases to two versions: a result for each, in order, also for those that cannot be asked. */
  readonly evaluateCases: Method<
    {
      readonly model: ModelReference;
      readonly against: VersionSource;
      readonly version: VersionSource;
      /** A third version: agreement with it is measured as well; the imported model when left out. */
      readonly base?: VersionSource;
      readonly cases: readonly PlacedCase[];
      /** Of what texts are sampled with; 0 when left out. */
      readonly seed?: number;
      /** Texts to compare with of the whole evaluation, where one of the cases is a text. */
      readonly references?: readonly string[];
    },
    { readonly results: readonly CaseResult[]; readonly cost: Cost }
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
      readonly artefacts: readonly ArtefactReference[];
      /** Store the deltas, so that more can be made on top. */
      readonly keep: boolean;
    },
    { readonly results: readonly CaseResult[]; readonly cost: Cost; readonly deltas: readonly DeltaReference[] }
  >;
  /**
   * Sums an evaluation up: means with their intervals over all cases, and what is measured on the versions themselves, weights and
   * held text.
   */
  readonly concludeEvaluation: Method<
    {
      readonly model: ModelReference;
      readonly against: VersionSource;
      readonly version: VersionSource;
      readonly merged: MergedCases;
      readonly results: readonly CaseResult[];
      readonly cost: Cost;
      /** What the report is to call things. */
      readonly about: {
        readonly model: string;
        readonly branch: string | null;
        readonly against: 'parent' | 'base' | 'version';
        readonly suite: string;
      };
    },
    Concluded
  >;
  /** The same of an editor under a protocol, from what was found alone. */
  readonly concludeProtocol: Method<
    {
      readonly model: ModelReference;
      readonly merged: MergedCases;
      readonly results: readonly CaseResult[];
      readonly cost: Cost;
      /** `config` is complete. */
      readonly editor: EvaluatedEditor;
      /** What was asked along a stream beside the edits. */
      readonly watched: readonly SuiteCase[];
      readonly about: {
        readonly model: string;
        readonly version: string;
        readonly suite: string;
        readonly suite_digest: string;
        readonly cases: number;
      };
    },
    Concluded
  >;
  readonly complete: Method<
    {
      readonly model: ModelReference;
      readonly manifest: VersionSource;
      readonly prompts: readonly string[] | { readonly messages: readonly ChatMessage[] };
      readonly sampling: Sampling;
    },
    { readonly completions: readonly Completion[] }
  >;
  /** Holds what two evaluations found against each other. Needs no model. */
  readonly compareResults: Method<
    { readonly one: readonly CaseResult[]; readonly other: readonly CaseResult[] },
    ComparisonResult
  >;
  /** One question to one version. */
  readonly ask: Method<
    { readonly model: ModelReference; readonly version: VersionSource; readonly question: AskedQuestion },
    GivenAnswer
  >;
  /** Norm and rank of what changed from one version to another, by parameter. */
  readonly compareVersions: Method<
    {
      readonly model: ModelReference;
      readonly from: VersionSource;
      readonly to: VersionSource;
      /** Deltas that lie between the two. */
      readonly steps: number;
    },
    Pick<WeightsDiff, 'tensors' | 'codebooks'>
  >;
  /** sha256 over every tensor of a version as served. */
  readonly digestWeights: Method<
    {
      readonly model: ModelReference;
      readonly manifest: VersionSource;
      /** Opens it anew, as the source says, although the process may hold the version. */
      readonly fresh?: boolean;
    },
    { readonly digest: string }
  >;
  /** Writes a version as a checkpoint in Hugging Face layout. */
  readonly exportVersion: Method<
    {
      readonly model: ModelReference;
      readonly manifest: VersionSource;
      /** A directory that is not there yet. */
      readonly into: string;
    },
    { readonly files: readonly string[] }
  >;
  /** Stores a version whole, if what opening it takes says so: see `makeVersions`. */
  readonly snapshot: Method<
    {
      readonly model: ModelReference;
      readonly source: VersionSource;
      /** Also when it does not pay. */
      readonly always?: boolean;
    },
    {
      /** Null when it does not pay, or when the version is stored whole already. */
      readonly stored: { readonly version: string; readonly blob: string; readonly bytes: number } | null;
      /** What its deltas since the last snapshot took to fetch and install. */
      readonly replay_ms: number;
      /** What loading a snapshot of it takes, by what loading takes here. */
      readonly load_ms: number;
    }
  >;
  /** Next-token logits after a text, at its last position. */
  readonly logits: Method<
    { readonly model: ModelReference; readonly manifest: VersionSource; readonly prompt: string },
    { readonly ids: readonly number[]; readonly logits: Float32Array }
  >;
}

export type EngineMethod = keyof EngineMethods;
export type ParamsOf<M extends EngineMethod> = EngineMethods[M]['params'];
export type ResultOf<M extends EngineMethod> = EngineMethods[M]['result'];

/** How far a call has come. */
export interface EngineProgress {
  readonly stage: string;
  readonly done: number;
  readonly total: number;
}

/** From the client. One call is in flight at a time; the client keeps the others. */
export type EngineRequest =
  | { readonly type: 'call'; readonly id: number; readonly method: EngineMethod; readonly params: unknown }
  | { readonly type: 'cancel'; readonly id: number };

/** From the engine process. `rss` is its resident memory in bytes. */
export type EngineResponse =
  /** Sent while a call is being worked, whenever the process gets round to it. */
  | { readonly type: 'alive'; readonly id: number; readonly rss: number }
  | { readonly type: 'progress'; readonly id: number; readonly progress: EngineProgress; readonly rss: number }
  | { readonly type: 'result'; readonly id: number; readonly value: unknown; readonly rss: number }
  | { readonly type: 'error'; readonly id: number; readonly error: PlainError; readonly rss: number }
  /** The call fits the budget, but not beside what this process already holds: ask a fresh one. */
  | { readonly type: 'recycle'; readonly id: number; readonly rss: number };
