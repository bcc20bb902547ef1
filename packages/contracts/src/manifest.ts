// The manifest: what a version is made of. Its digest is the version's id.
import { z } from 'zod';
import { canonicalJson, sha256 } from './canonical.ts';

const digest = z.string().regex(/^[0-9a-f]{64}$/);

/** Kinds of delta and how each acts on the model (packages/models, deltas.ts). */
export const deltaKinds = ['low_rank', 'dense', 'codebook'] as const;
export type DeltaKind = (typeof deltaKinds)[number];

export const deltaReferenceSchema = z.strictObject({ kind: z.enum(deltaKinds), blob: digest });
export type DeltaReference = z.infer<typeof deltaReferenceSchema>;

export const manifestSchema = z.strictObject({
  format: z.literal('errata-manifest/1'),
  /** Digest of the imported model. */
  model: digest,
  /** Active deltas in the order in which they are installed. */
  deltas: z.array(deltaReferenceSchema),
});
export type Manifest = z.infer<typeof manifestSchema>;

export const versionPrefix = 'ver_';

/** `ver_` + sha256 of the canonical manifest: equal content has an equal id, wherever and whenever it was made. */
export const versionId = (manifest: Manifest): string => versionPrefix + sha256(canonicalJson(manifest));

/** The manifest of an imported model before any edit. */
export const rootManifest = (model: string): Manifest => ({ format: 'errata-manifest/1', model, deltas: [] });
