// What editors need beforehand, and where they find it: a typed, cached face over whatever store the caller brings.
import { canonicalJson, ErrataError, secondMomentFormat, sha256 } from '@errata/contracts';
import { decodeSecondMoment, type SecondMoment } from './statistics/second-moment.ts';
import { type ContextPrefixes, decodeContextPrefixes, encodeContextPrefixes } from './texts/context-prefixes.ts';

/** A place for named bytes: blobs behind a table in the service, a folder or a Map elsewhere. */
export interface ArtefactStore {
  get(key: string): Promise<Uint8Array | undefined>;
  put(key: string, bytes: Uint8Array): Promise<void>;
}

/** The artefacts of one base model. */
export interface Artefacts {
  /** Digest of the base model they belong to. */
  readonly model: string;
  /**
   * Second moment of a layer's keys, with its inverse.
   * @throws ErrataError `artefact_missing`
   */
  secondMoment(layer: number): Promise<SecondMoment>;
  /** The prefixes stored for these settings, or those that `make` draws, which are then stored. */
  contextPrefixes(settings: unknown, make: () => Promise<ContextPrefixes>): Promise<ContextPrefixes>;
}

/** Key of a layer's second moment in an {@link ArtefactStore}. */
export const secondMomentKey = (model: string, layer: number): string => `${secondMomentFormat}/${model}/${layer}`;

/** Key of sampled prefixes in an {@link ArtefactStore}. */
export const contextPrefixesKey = (model: string, settings: unknown): string =>
  `context-prefixes/${model}/${sha256(canonicalJson(settings))}`;

/** Opens the artefacts of one base model. What was read once is kept for as long as the returned object is. */
export function openArtefacts(store: ArtefactStore, model: string): Artefacts {
  const moments = new Map<number, SecondMoment>();
  const prefixes = new Map<string, ContextPrefixes>();
  return {
    model,
    async secondMoment(layer) {
      const known = moments.get(layer);
      if (known) return known;
      const bytes = await store.get(secondMomentKey(model, layer));
      if (!bytes) {
        throw new ErrataError('artefact_missing', `the second moment of layer ${layer} has not been built`, {
          details: { kind: 'second_moment', model, layer },
        });
      }
      const moment = decodeSecondMoment(bytes);
      if (moment.provenance.model !== model || moment.provenance.layer !== layer) {
        throw new ErrataError('artefact_missing', `the stored second moment of layer ${layer} is another model's`, {
          details: { kind: 'second_moment', model, layer, found: moment.provenance },
        });
      }
      moments.set(layer, moment);
      return moment;
    },
    async contextPrefixes(settings, make) {
      const key = contextPrefixesKey(model, settings);
      const known = prefixes.get(key);
      if (known) return known;
      const bytes = await store.get(key);
      const found = bytes ? decodeContextPrefixes(bytes) : await make();
      if (!bytes) await store.put(key, encodeContextPrefixes(found));
      prefixes.set(key, found);
      return found;
    },
  };
}

/** A store that lives and dies with its owner. */
export function memoryArtefactStore(): ArtefactStore {
  const kept = new Map<string, Uint8Array>();
  return {
    get: async (key) => kept.get(key),
    put: async (key, bytes) => {
      kept.set(key, bytes);
    },
  };
}
