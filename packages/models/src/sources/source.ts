// What a model can come from, and what is remembered of where it did.

import type { ModelOrigin } from '@errata/contracts';
import type { Checkpoint } from '../files/checkpoint.ts';

/** A model that has been opened, whatever it came from. */
export interface OpenedModel {
  readonly checkpoint: Checkpoint;
  /** What was given, then what that was merged onto. */
  readonly origin: readonly ModelOrigin[];
}

/** How opening a model may go on. */
export interface OpenOptions {
  /** The model that an adapter is merged onto, instead of the one that it names. */
  readonly base?: string | undefined;
  /** Whether models may be had from the hub; true where left out. */
  readonly hub?: boolean | undefined;
  /** Told of what is downloaded. */
  readonly onProgress?: ((progress: OpenProgress) => void) | undefined;
  /** Stops a download; what has come of it is gone on with the next time. */
  readonly signal?: AbortSignal | undefined;
}

/** How far a download has come, in megabytes, each begun one counting. */
export interface OpenProgress {
  readonly stage: 'downloading (MB)';
  readonly done: number;
  readonly total: number;
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

/** @param by whoever says that it is needed: a model that came from the hub may not name what is on this machine */
export type OpenOther = (reference: string, by: 'user' | 'model') => Promise<OpenedModel>;
