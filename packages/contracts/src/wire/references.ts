// References: what a name, or the beginning of a version's id, stands for.
import { z } from 'zod';

export const referenceKinds = ['version', 'branch', 'alias', 'tag'] as const;
export type ReferenceKind = (typeof referenceKinds)[number];

/** What a name, or a version id or the beginning of one, stands for now. */
export const referenceSchema = z
  .strictObject({
    object: z.literal('reference'),
    kind: z.enum(referenceKinds),
    name: z.string(),
    version_id: z.string(),
  })
  .meta({ id: 'Reference' });
export type ReferenceResource = z.output<typeof referenceSchema>;
