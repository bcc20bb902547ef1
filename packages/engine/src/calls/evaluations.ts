// Evaluations: what candidates and versions answer, and what that comes to.
import type {
  CaseResult,
  ComparisonResult,
  Cost,
  Edit,
  EditResult,
  EvaluatedEditor,
  EvaluationOutcome,
  EvaluationSummary,
  GateMeasurements,
  GatePolicy,
  MergedCases,
  PlacedCase,
  SuiteCase,
  VersionSource,
} from '@errata/contracts';
import type { EditOutcome } from '@errata/editors';
import type { Method } from './method.ts';
import type { ModelReference } from './models.ts';

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

/** An evaluation as a whole. */
export interface Concluded {
  readonly summary: EvaluationSummary;
  readonly outcome: EvaluationOutcome;
  /** The report as one page of HTML. */
  readonly report: string;
}

export interface EvaluationMethods {
  readonly evaluateCandidate: Method<
    {
      readonly model: ModelReference;
      readonly parent: VersionSource;
      readonly candidate: VersionSource;
      readonly edits: readonly Edit[];
      /** What became of each edit, in order; all were made when left out. */
      readonly outcomes?: readonly EditOutcome[];
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
        /** Whether the results are those of all edits of the version, in the order in which they were made. */
        readonly allEdits: boolean;
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
  /** Holds what two evaluations found against each other. Needs no model. */
  readonly compareResults: Method<
    { readonly one: readonly CaseResult[]; readonly other: readonly CaseResult[] },
    ComparisonResult
  >;
}
