// What a form of exports is: what it takes of a version, and how it writes it.

import type { ExportDtype, ExportReport, ExportSettings } from '@errata/contracts';
import type { Memory } from '../deltas/index.ts';
import { ModelError } from '../errors.ts';
import type { Checkpoint } from '../files/checkpoint.ts';
import type { Model } from '../running/model.ts';
import type { View } from '../running/view.ts';

/** A version that is to be written. */
export interface LeavingVersion {
  /** The imported model, open. */
  readonly checkpoint: Checkpoint;
  readonly model: Model;
  /** The version; for an adapter with all the deltas that it has beyond the imported model. */
  readonly view: View;
  /** What it is called; null outside of a service. */
  readonly name: string | null;
  /** What the imported model is called where the export is loaded: a name of the hub, a path. */
  readonly base: string;
}

/** What a form says of what it wrote, the rest of the report apart. */
export interface Written {
  readonly remarks?: readonly string[];
  readonly modules?: NonNullable<ExportReport['modules']>;
}

/** What was asked for, with the element type that it comes to. */
export type WritingSettings = Omit<ExportSettings, 'dtype'> & { readonly dtype: ExportDtype };

/** One form; the table of them is in `index.ts`. */
export interface ExportForm {
  /** Which memories it holds, or may leave behind; none where left out. */
  readonly holds?: 'all' | readonly Memory['kind'][];
  /** Whether the report lies beside what is written. */
  readonly reported?: boolean;
  /**
   * Writes into a directory that is there and empty, a tensor in memory at a time.
   * @throws ModelError export_unsupported for what it cannot hold
   */
  readonly write: (directory: string, version: LeavingVersion, settings: WritingSettings) => Written | Promise<Written>;
}

/** @throws ModelError export_unsupported */
export function refuseExport(where: string, what: string, hint: string): never {
  throw new ModelError('export_unsupported', { where, what, hint });
}

/** Names of the parameters that a version changes, in the order of the model. */
export function changedParameters({ model, view }: LeavingVersion): readonly string[] {
  const base = model.view();
  return [...model.spec.parameters.keys()].filter((name) => view.weight(name) !== base.weight(name));
}
