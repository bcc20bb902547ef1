// What was trained and is served too: stored bytes with what is read from them, named by their digest, as deltas name them.
import { createHash } from 'node:crypto';
import { ErrataError } from '@errata/contracts';
import { ModelError } from '@errata/models';

export interface ServedContent<Stored> {
  readonly sha256: string;
  readonly bytes: Uint8Array;
  readonly stored: Stored;
}

/** @throws ErrataError `blob_corrupt`, and `artefact_missing` where it is another model's */
export function servedContent<Stored extends { readonly model: string }>(
  kind: string,
  bytes: Uint8Array,
  model: string,
  decode: (bytes: Uint8Array) => Stored,
): ServedContent<Stored> {
  let stored: Stored;
  try {
    stored = decode(bytes);
  } catch (cause) {
    if (!(cause instanceof ModelError)) throw cause;
    throw new ErrataError('blob_corrupt', cause.message, { cause });
  }
  if (stored.model !== model)
    throw new ErrataError('artefact_missing', `the stored ${kind.replaceAll('_', ' ')} is another model's`, {
      details: { kind, model, found: stored.model },
    });
  return { sha256: contentDigest(bytes), bytes, stored };
}

/** What deltas name it by. */
export const contentDigest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
