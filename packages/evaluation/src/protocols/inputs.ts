// What a run is given: a model, an editor, cases, a protocol, and what else is to be watched along the way.

import type { Protocol } from '@errata/contracts';
import type { Artefacts } from '@errata/editors';
import type { EditorName, EditorSettings } from '@errata/editors/catalogue';
import type { Model, Tokenizer } from '@errata/models';
import type { AbilitySuite } from '../ability/suite.ts';
import type { DatasetCase } from '../datasets/cases.ts';
import type { QuestionItem } from '../datasets/items.ts';

/** An editor with everything it needs beforehand. */
export interface PreparedEditor {
  readonly name: EditorName;
  readonly config: EditorSettings;
  readonly artefacts: Artefacts;
}

/** Enough to see a model lose its speech; each costs as many tokens as some hundred answers. */
export const defaultWriters = 20;

export interface ProtocolRun {
  readonly model: Model;
  readonly tokenizer: Tokenizer;
  /** `null` measures the model as it is. */
  readonly editor: PreparedEditor | null;
  readonly cases: readonly DatasetCase[];
  /** Records of their file that cannot be used: they are counted, so that nobody takes the rest for the whole. */
  readonly rejected?: number;
  readonly protocol: Protocol;
  /** Of everything random in the editor. */
  readonly seed: number;
  /** Text whose perplexity is measured along the way. */
  readonly heldText?: string;
  /** Cases that texts are written for where they have prompts: the first ones. Default {@link defaultWriters}. */
  readonly writers?: number;
  /** What the model must still be able to do along the way. */
  readonly ability?: readonly AbilitySuite[];
  /** Questions that no edit is about, asked along the way: what is still answered rightly. */
  readonly questions?: readonly QuestionItem[];
}

/** How far a run has come, counted in measurements of a case: a lifelong run measures most cases many times. */
export interface RunProgress {
  readonly stage: 'editing' | 'testing';
  readonly done: number;
  readonly total: number;
  /** Edits in the model that is being worked on. */
  readonly edits: number;
}

export interface RunOptions {
  readonly onProgress?: (progress: RunProgress) => void;
  /** Checked between steps; its reason is thrown. What is complete stays, and the run can be resumed. */
  readonly signal?: AbortSignal;
}
