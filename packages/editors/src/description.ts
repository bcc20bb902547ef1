// What an editor says of itself, as data: its settings and their defaults, what it needs and leaves, and how it stands to its authors' code.
import type { ArtefactNeed } from '@errata/contracts';
import type { z } from 'zod';

/** What is known of a model when its defaults are chosen. */
export interface ModelShape {
  readonly model_type: string;
  readonly layers: number;
  readonly width: number;
}

/** Values of an editor's settings: all of them, or those that somebody chose. */
export type EditorSettings = Readonly<Record<string, unknown>>;

/** Defaults for some models, with where they come from. */
export interface DefaultRow {
  /** Every model where empty; families by the `model_type` of their config.json. */
  readonly match: {
    readonly model_types?: readonly string[];
    readonly layers?: number;
    readonly width?: number;
  };
  readonly settings: (shape: ModelShape) => EditorSettings;
  readonly source: string;
}

/** One place where an editor does not do what the reference code does. */
export interface Deviation {
  readonly reference: string;
  readonly here: string;
  readonly why: string;
}

export interface EditorReference {
  /** Whose code is meant. */
  readonly code: string;
  /** What is compared with the transcription in PyTorch (test/oracles/editors), at the head of a sentence. */
  readonly compared: string;
  /**
   * Largest relative difference ||ours - theirs|| / ||theirs|| that each of these may have from the transcription, on tiny checkpoints with the same prefixes
   * and second moments: what was measured, rounded up. A test holds it.
   */
  readonly agreement: number;
  /**
   * How far what that code itself writes on the tiny GPT-2 is from the transcription at most, by test/oracles/reference_code.py: measured, rounded
   * up. Left out where it was not run.
   */
  readonly ownCode?: number;
  readonly deviations: readonly Deviation[];
}

/** An editor, described. Nothing here runs it: `load` brings what does. */
export interface EditorDescription<Settings extends z.ZodObject = z.ZodObject> {
  /** Begins with its name as people write it. */
  readonly title: string;
  readonly paper: string;
  /** Complete settings; each says what it means. */
  readonly settings: Settings;
  /** Every model has a default for every setting. Of the rows that match, later ones win. */
  readonly defaults: readonly DefaultRow[];
  /** What is wrong with settings for a model of this shape, though each is right by itself. */
  misfit(settings: z.output<Settings>, shape: ModelShape): Misfit | undefined;
  /** What it needs beforehand; `seed` is that of the edits. */
  needs(settings: z.output<Settings>, shape: ModelShape, seed: number): readonly ArtefactNeed[];
  /** Whether several edits are solved together; otherwise they are applied one after another. */
  readonly batched: boolean;
  /** Whether the method cannot do without the subject of an edit, makes use of one where there is one, or takes no notice of it. */
  readonly subject: 'required' | 'used' | 'none';
  /** Whether it edits models whose prompts an encoder reads, T5 and BART: null, or a sentence that says why it does not. */
  readonly overEncoder: string | null;
  /** The kinds of delta that it may leave, as packages/models names them. */
  readonly leaves: readonly string[];
  /** Null where no published code is followed. */
  readonly reference: EditorReference | null;
  /** Its module; `edit` in it is an `Editor` of these settings. In a browser it is none. */
  load(): Promise<{ readonly edit: unknown }>;
}

/** A setting that does not fit a model, and why. */
export interface Misfit {
  readonly field: string;
  readonly message: string;
}
