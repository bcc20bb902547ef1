// Versions: what they are made of, how two differ, and their export.
import type {
  ExportQuery,
  Retention,
  ShownManifest,
  VersionDiff,
  VersionResource,
  WeightsDiff,
} from '@errata/contracts';
import type { Caller } from '../caller.ts';
import type { PageQuery } from '../pages.ts';
import { at, type CallOptions } from '../transport.ts';

export const versions = ({ get, list, send }: Caller) => ({
  list: (model: string, query: PageQuery = {}) => list<VersionResource>(at`/v1/models/${model}/versions`, { ...query }),
  get: (version: string, call?: CallOptions) => get<VersionResource>(at`/v1/versions/${version}`, call),
  /** The model and all deltas of a version, in order, and the artefacts they were made with. */
  manifest: (version: string, call?: CallOptions) => get<ShownManifest>(at`/v1/versions/${version}/manifest`, call),
  /** The version and those it was made from, newest first, down to the imported model. */
  lineage: (version: string, query: PageQuery = {}) =>
    list<VersionResource>(at`/v1/versions/${version}/lineage`, { ...query }),
  /** How many of the edits that it has hold in it still, by when they were made, as its last evaluation of them found. */
  retention: (version: string, call?: CallOptions) => get<Retention>(at`/v1/versions/${version}/retention`, call),
  /** The version in a form that other tools load, a checkpoint in Hugging Face layout where none is named: a tar archive, as it comes. */
  async export(version: string, query: ExportQuery = {}, call: CallOptions = {}): Promise<ReadableStream<Uint8Array>> {
    const path = at`/v1/versions/${version}/export`;
    const options = { ...call, query: { ...query }, accept: 'application/x-tar', streaming: true };
    return (await send('GET', path, options)).body!;
  },
  diff: (from: string, to: string, call?: CallOptions) => get<VersionDiff>(at`/v1/versions/${from}/diff/${to}`, call),
  /** Norm and rank of what changed, by parameter. The service opens both versions for it. */
  diffWeights: (from: string, to: string, call?: CallOptions) =>
    get<WeightsDiff>(at`/v1/versions/${from}/diff/${to}/weights`, call),
});
