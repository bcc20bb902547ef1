// Second moments and context prefixes for commands that need no service, kept in the user's cache folder.
import { homedir } from 'node:os';
import { join } from 'node:path';
import { ErrataError, secondMomentFormat } from '@errata/contracts';
import type { ArtefactStore, MomentProgress } from '@errata/editors';
import { digestCorpus, fileArtefactStore } from '@errata/engine';
import type { LocalModel } from './model.ts';

/** ERRATA_CACHE_DIR, else the place that the desktop conventions name. */
const cacheFolder = (env: NodeJS.ProcessEnv = process.env): string =>
  env.ERRATA_CACHE_DIR || join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'errata');

export interface MomentSource {
  readonly layers: readonly number[];
  /** A text file; undefined where neither the command nor the model names one. */
  readonly corpus: string | undefined;
  /** Tokens read at most. */
  readonly tokens: number;
  /** Added to the diagonal before inversion, as a fraction of its mean; left out, what inversion turns out to need. */
  readonly ridge?: number | undefined;
}

export interface MomentListener {
  /** Layers whose statistics are about to be built. */
  readonly onBuild: (layers: readonly number[], corpus: string) => void;
  readonly onProgress: (progress: MomentProgress) => void;
}

/**
 * A store that holds the second moments of the layers asked for, built from the corpus where the cache lacks them. Those of
 * another text, or of another number of tokens or with another ridge, are others.
 * @throws ErrataError `corpus_missing`
 */
export async function prepareArtefacts(
  { model, checkpoint: { digest } }: LocalModel,
  { layers, corpus, tokens, ridge }: MomentSource,
  { onBuild, onProgress }: MomentListener,
): Promise<ArtefactStore> {
  const { buildSecondMoments, decodeSecondMoment, encodeSecondMoment, secondMomentKey } = await import(
    '@errata/editors'
  );
  const cache = fileArtefactStore(cacheFolder());
  const moments = new Map<string, Uint8Array>();
  if (layers.length > 0) {
    if (corpus === undefined) throw corpusMissing(layers);
    const { sha256 } = await digestCorpus(corpus);
    const keyOf = (layer: number) =>
      `${secondMomentFormat}/${digest}/${sha256}-${layer}-${tokens}${ridge === undefined ? '' : `-${ridge}`}`;
    const missing: number[] = [];
    for (const layer of layers) {
      const bytes = await cache.get(keyOf(layer));
      if (bytes !== undefined && isReadable(() => decodeSecondMoment(bytes))) {
        moments.set(secondMomentKey(digest, layer), bytes);
      } else missing.push(layer);
    }
    if (missing.length > 0) {
      onBuild(missing, corpus);
      const request = { model, digest, layers: missing, corpus, tokens, onProgress };
      for (const moment of await buildSecondMoments(ridge === undefined ? request : { ...request, ridge })) {
        const bytes = encodeSecondMoment(moment);
        await cache.put(keyOf(moment.provenance.layer), bytes);
        moments.set(secondMomentKey(digest, moment.provenance.layer), bytes);
      }
    }
  }
  return { get: async (key) => moments.get(key) ?? cache.get(key), put: cache.put };
}

function corpusMissing(layers: readonly number[]): ErrataError {
  const where = layers.length === 1 ? `layer ${layers[0]}` : `layers ${layers.join(', ')}`;
  return new ErrataError(
    'corpus_missing',
    `the editor needs the second moment of the keys at ${where}, none is stored for this model, and the model came without a ` +
      'text: give one with --corpus FILE',
    { details: { layers } },
  );
}

/** What a crash or another release left in the cache is not an error: it is made again. */
function isReadable(read: () => unknown): boolean {
  try {
    read();
    return true;
  } catch {
    return false;
  }
}
