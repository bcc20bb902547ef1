// What a model can come from, and what is remembered of where it did.

import type { ModelOrigin } from '@errata/contracts';
import type { Checkpoint } from '../files/checkpoint.ts';

/** A model that has been opened, whatever it came from. */
export interface OpenedModel {
  readonly checkpoint: Checkpoint;
  /** What was given, then what that was merged onto. */
  readonly origin: readonly ModelOrigin[];
}

/** What opening a model may ask for. */
export interface OpenOptions {
  /** The model that an adapter is merged onto, instead of the one that it names. */
  readonly base?: string | undefined;
}

/** A form that a model on this machine can have. */
export interface LocalForm {
  readonly format: ModelOrigin['format'];
  /** Whether what is at the path has this form. It is there. */
  readonly recognises: (path: string) => boolean;
  /**
   * @param path what was recognised
   * @param openOther opens another model that this one needs
   */
  readonly open: (path: string, options: OpenOptions, openOther: OpenOther) => Promise<OpenedForm>;
}

/** What opening a form gives. */
export interface OpenedForm {
  readonly checkpoint: Checkpoint;
  /** Where the model that it was merged onto came from. */
  readonly base?: readonly ModelOrigin[];
}

/** @param reference relative paths begin at `from` */
export type OpenOther = (reference: string, from: string) => Promise<OpenedModel>;
