// What memories are read with beside the model, trained things that are too large for every delta: by the sha256 of their content.

import { ModelError } from '../errors.ts';

/** The contents that a model's memories refer to. */
export interface Contents {
  /**
   * What was made of a content, once for all who ask.
   * @throws ModelError content_missing; what `make` throws
   */
  get<T>(sha256: string, make: (bytes: Uint8Array) => T): Promise<T>;
  /** Has a content at hand that whoever opened the model may not find. What is returned takes it, and what was made of it, back. */
  lend(sha256: string, bytes: Uint8Array): () => void;
}

/** Finds a content; undefined where it is not there. */
export type ContentSource = (sha256: string) => Promise<Uint8Array | undefined>;

export function makeContents(source: ContentSource = async () => undefined): Contents {
  const lent = new Map<string, Uint8Array>();
  const made = new Map<string, Promise<unknown>>();
  const find = async <T>(sha256: string, make: (bytes: Uint8Array) => T): Promise<T> => {
    const bytes = lent.get(sha256) ?? (await source(sha256));
    if (bytes !== undefined) return make(bytes);
    throw new ModelError('content_missing', {
      where: `artefact ${sha256}`,
      what: 'a memory is read with it, and it is not there',
      hint: 'Restore the blob of that digest, or make the edits again with an artefact that is there',
    });
  };
  return {
    get: <T>(sha256: string, make: (bytes: Uint8Array) => T) => {
      const known = made.get(sha256);
      if (known !== undefined) return known as Promise<T>;
      const making = find(sha256, make);
      made.set(sha256, making);
      making.catch(() => made.delete(sha256));
      return making;
    },
    lend: (sha256, bytes) => {
      lent.set(sha256, bytes);
      return () => {
        lent.delete(sha256);
        made.delete(sha256);
      };
    },
  };
}
