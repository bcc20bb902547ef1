// Versions: stored whole, exported, held against each other.
import type { ExportReport, ExportSettings, VersionSource, WeightsDiff } from '@errata/contracts';
import type { Method } from './method.ts';
import type { ModelReference } from './models.ts';

export interface VersionMethods {
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
  /** Has these versions open and ready to answer, whatever else is opened, in place of those that were kept so before. */
  readonly keepWarm: Method<
    { readonly versions: readonly { readonly model: ModelReference; readonly version: VersionSource }[] },
    null
  >;
  /** Writes a version in one of the forms that it can leave in. */
  readonly exportVersion: Method<
    {
      readonly model: ModelReference;
      /** For an adapter, from the imported model on. */
      readonly version: VersionSource;
      readonly settings: ExportSettings;
      /** What the version is called, and the model that it was imported from. */
      readonly name: string;
      readonly base: string;
      /** A directory that is not there yet. */
      readonly into: string;
    },
    /** Their names, those in folders with the folder's. */
    { readonly files: readonly string[]; readonly report: ExportReport }
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
    Pick<WeightsDiff, 'tensors' | 'memories'>
  >;
  /** sha256 over every tensor of a version as served. */
  readonly digestWeights: Method<
    {
      readonly model: ModelReference;
      readonly version: VersionSource;
      /** Opens it anew, as the source says, although the process may hold the version. */
      readonly fresh?: boolean;
    },
    { readonly digest: string }
  >;
}
