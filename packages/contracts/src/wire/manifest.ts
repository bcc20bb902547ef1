// The manifest: what a version is made of.
import { z } from 'zod';

const digest = z.string().regex(/^[0-9a-f]{64}$/);

export const deltaReferenceSchema = z.strictObject({
  /** One of the kinds that the engine which made it knows: `low_rank`, `dense`, `codebook_rows` and others. */
  kind: z.string().regex(/^[a-z][a-z0-9_]*$/),
  blob: digest,
});
export type DeltaReference = z.infer<typeof deltaReferenceSchema>;

export const manifestFormat = 'errata-manifest/1';

export const manifestSchema = z.strictObject({
  format: z.literal(manifestFormat),
  /** Digest of the imported model. */
  model: digest,
  /** Active deltas in the order in which they are installed. */
  deltas: z.array(deltaReferenceSchema),
});
export type Manifest = z.infer<typeof manifestSchema>;

/** What a version is made of, and what that was made with. */
export const shownManifestSchema = z
  .strictObject({
    ...manifestSchema.shape,
    /** Artefacts that active edits were made with, by kind and scope. */
    artefacts: z.array(
      z.strictObject({
        id: z.string(),
        kind: z.string(),
        scope: z.string(),
        blob: digest,
        /** The edit jobs that used it. */
        job_ids: z.array(z.string()),
      }),
    ),
  })
  .meta({ id: 'Manifest' });
export type ShownManifest = z.infer<typeof shownManifestSchema>;

/** A version that is stored whole: the weights and memories that its deltas add up to. */
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
