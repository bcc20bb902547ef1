// The contract every editor keeps: it sees the parent version through a view and returns deltas; it never installs them.
import type { Edit, ErrorCode } from '@errata/contracts';
import type { Delta, Model, View } from '@errata/models';
import type { Artefacts } from './artefacts/builder.ts';
import type { EditorSettings } from './description.ts';

/** What an editor needs of an edit: the probes are for evaluation alone. `{}` in the prompt is already filled in. */
export type EditRequest = Pick<Edit, 'custom_id' | 'prompt' | 'subject' | 'target_new' | 'join'>;

/** What an editor is given. Equal inputs give equal deltas, byte for byte, on one build and provider. */
export interface EditorInput<Settings = EditorSettings> {
  /** The loaded model. Context prefixes are sampled from its base version. */
  readonly model: Model;
  /** The parent version. */
  readonly view: View;
  readonly edits: readonly EditRequest[];
  /** Complete, and checked. */
  readonly config: Settings;
  readonly artefacts: Artefacts;
  /** Seed of everything that is drawn at random: context prefixes, initial values. */
  readonly seed: number;
}

/** How far an editor has come. `step` counts within `phase`, of `steps` at most. */
export interface EditorProgress {
  readonly phase: 'prepare' | 'search' | 'solve' | 'train';
  /** Edits finished so far, of `edits`. */
  readonly done: number;
  readonly edits: number;
  /** The edit that is being worked on, where it is one. */
  readonly custom_id?: string;
  readonly layer?: number;
  readonly step?: number;
  readonly steps?: number;
  readonly loss?: number;
}

/** How an editor is run. */
export interface EditorOptions {
  readonly onProgress?: (progress: EditorProgress) => void;
  /** Checked between steps; its reason is thrown. */
  readonly signal?: AbortSignal;
  /** `stop` (the default) throws at the first edit that cannot be applied; `continue` reports it and goes on. */
  readonly onError?: 'stop' | 'continue';
}

/** The three terms of a value search's loss, and their sum (ROME, equation 4). Fine-tuning has the first alone. */
export interface LossTerms {
  readonly nll: number;
  readonly kl: number;
  readonly weight_decay: number;
  readonly total: number;
}

/** Size of the change of one matrix. */
export interface DeltaNorms {
  readonly layer: number;
  /** ||Delta||_F. */
  readonly norm: number;
  /** |Delta| = ||Delta||_F^2 / N with N the number of elements: what disabling edits stand out by (Gupta et al. 2024). */
  readonly density: number;
  /** ||Delta||_F / ||W||_F, W as the parent has it. */
  readonly relative: number;
}

/** What an editor says of its own work on one edit. Plain data; only what the method has is present. */
export interface EditDiagnostics {
  /** Steps of the optimiser that were taken. */
  readonly steps: number;
  readonly first_loss: LossTerms;
  readonly last_loss: LossTerms;
  /** exp of the mean log-probability of the target's tokens after the bare prompt: before, and as the optimiser left it. */
  readonly target_probability: { readonly before: number; readonly after: number };
  /** Norm of the optimised offset and of the value it is added to. */
  readonly value_norms?: { readonly offset: number; readonly value: number };
  /** Context prefixes that took part, and those that the prompt did not fit behind. */
  readonly prefixes?: { readonly used: number; readonly left_out: number };
  /** k_scale . u, by which the rank-one update is divided; ROME's passes through zero, r-ROME's does not. */
  readonly denominator?: number;
  /** Share of what was asked of it that the solve of each layer delivers at this edit's key, in the order of `deltas`. */
  readonly delivered?: readonly number[];
  /** Of the deltas that this edit has a part in: its own, or its batch's. */
  readonly deltas: readonly DeltaNorms[];
  /** custom_ids of the edits that share one value with this one. */
  readonly merged_with?: readonly string[];
  /** The layers that an edit might have been made at, and how little each suited it: it was made at the first. */
  readonly layer_scores?: readonly { readonly layer: number; readonly score: number }[];
  /** The neurons whose values were changed, with their mean attributions, the greatest first. */
  readonly neurons?: readonly { readonly layer: number; readonly index: number; readonly attribution: number }[];
  /** What became of the codebook: a new row, a split, a wider radius. */
  readonly codebook?: {
    readonly action: 'added' | 'split' | 'widened' | 'replaced';
    readonly row: number;
    readonly radius: number;
  };
}

/**
 * What became of one edit. Outcomes come in the order of the edits. `already_holds`: before the edit was made its loss was below what
 * the editor stops at, so there was nothing to do, and it has no part in any delta.
 */
export type EditOutcome =
  | { readonly custom_id: string; readonly outcome: 'applied' | 'already_holds'; readonly diagnostics: EditDiagnostics }
  | {
      readonly custom_id: string;
      readonly outcome: 'failed';
      readonly error: { readonly code: ErrorCode; readonly message: string };
    };

/** A delta with the edits it carries; taking it away takes all of them away. */
export interface EditorDelta {
  readonly delta: Delta;
  readonly custom_ids: readonly string[];
}

/** What an editor returns: deltas in the order in which they are to be installed on top of the parent's. */
export interface EditorResult {
  readonly deltas: readonly EditorDelta[];
  readonly outcomes: readonly EditOutcome[];
}

/**
 * One editing method. Whether an edit holds already is decided by what the model says before it is made: by the parent where edits are
 * solved together, by the parent with the batch's earlier edits where they are applied one after another.
 * @throws ErrataError `artefact_missing`, `prompt_too_long`, `subject_missing`, `subject_not_in_prompt`, `zero_delta`, `non_finite_delta`, `edit_failed`
 */
export type Editor<Settings = EditorSettings> = (
  input: EditorInput<Settings>,
  options: EditorOptions,
) => Promise<EditorResult>;
