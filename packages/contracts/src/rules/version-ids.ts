// The id of a version: it follows from what the version is made of, delta by delta.
import { canonicalJson, sha256 } from '../text/canonical.ts';
import {
  type DeltaReference,
  type Manifest,
  manifestFormat,
  type VersionSource,
  versionPrefix,
} from '../wire/manifest.ts';

/** The id of an imported model before any edit. */
export const rootVersionId = (model: string): string =>
  versionPrefix + sha256(canonicalJson({ format: manifestFormat, model }));

/**
 * The id of a version with one more delta: the digest of its id so far and the delta, so that adding to a version of ten thousand
 * deltas costs what adding to one of ten does.
 */
export const nextVersionId = (version: string, { kind, blob }: DeltaReference): string =>
  versionPrefix + sha256(canonicalJson({ after: version, blob, kind }));

/** The ids of a version from the first state that is stored whole (the model or the snapshot) on, delta by delta; the last is its own. */
export function versionIds({ model, snapshot, deltas }: VersionSource): readonly string[] {
  const ids = [snapshot?.version ?? rootVersionId(model)];
  for (const delta of deltas) ids.push(nextVersionId(ids.at(-1)!, delta));
  return ids;
}

/** `ver_` + a sha256 over the model and its deltas in order: equal content has an equal id, wherever and whenever it was made. */
export const versionId = (source: VersionSource): string => versionIds(source).at(-1)!;

/** The manifest of an imported model before any edit. */
export const rootManifest = (model: string): Manifest => ({ format: manifestFormat, model, deltas: [] });
