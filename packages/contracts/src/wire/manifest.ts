// The manifest: what a version is made of. The version's id follows from it, delta by delta.
import { z } from 'zod';
import { canonicalJson, sha256 } from '../text/canonical.ts';

const digest = z.string().regex(/^[0-9a-f]{64}$/);

/** Kinds of delta and how each acts on the model (packages/models, deltas/index.ts). */
export const deltaKinds = ['low_rank', 'dense', 'codebook', 'codebook_rows'] as const;
export type DeltaKind = (typeof deltaKinds)[number];

export const deltaReferenceSchema = z.strictObject({ kind: z.enum(deltaKinds), blob: digest });
export type DeltaReference = z.infer<typeof deltaReferenceSchema>;

const manifestFormat = 'errata-manifest/1';

export const manifestSchema = z
  .strictObject({
    format: z.literal(manifestFormat),
    /** Digest of the imported model. */
    model: digest,
    /** Active deltas in the order in which they are installed. */
    deltas: z.array(deltaReferenceSchema),
  })
  .meta({ id: 'Manifest' });
export type Manifest = z.infer<typeof manifestSchema>;

/** A version that is stored whole: the weights and codebooks that its deltas add up to. */
export interface SnapshotReference {
  readonly version: string;
  readonly blob: string;
}

/**
 * How to open a version: the imported model, or a snapshot where there is one, and the deltas that come after. A {@link Manifest}
 * is one without a snapshot. What it costs does not depend on how long the history before the snapshot is.
 */
export interface VersionSource {
  /** Digest of the imported model. */
  readonly model: string;
  readonly snapshot?: SnapshotReference | undefined;
  readonly deltas: readonly DeltaReference[];
}

/** Fewer deltas are never stored whole: with models so small that everything is quick, clocks say little. */
export const snapshotDeltas = 8;

export const versionPrefix = 'ver_';

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
