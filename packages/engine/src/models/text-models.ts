// Models as far as their tokenizers: what it takes to lay texts out, without the memory that weights take.
import type { LocalBlobStore } from '@errata/blobs';
import { canonicalJson, ErrataError, sha256 } from '@errata/contracts';
import type { ModelDefaults } from '@errata/editors/catalogue';
import { loadTokenizer, type Tokenizer } from '@errata/models';
import { LRUCache } from 'lru-cache';
import type { ModelReference } from '../calls/index.ts';
import { readDefaults } from './model-defaults.ts';
import { withModelDirectory } from './model-directory.ts';

export interface Texts {
  readonly tokenizer: Tokenizer;
  readonly defaults: ModelDefaults;
}

const tokenizersKept = 8;

/** @returns a function that throws ErrataError `tokenizer_missing`, `blob_missing`, `blob_corrupt` */
export function createTextModels(blobs: LocalBlobStore): (model: ModelReference) => Promise<Texts> {
  const kept = new LRUCache<string, Texts>({ max: tokenizersKept });
  return async ({ files }) => {
    const key = sha256(canonicalJson(files));
    const known = kept.get(key);
    if (known !== undefined) return known;
    const small = files.filter(({ name }) => !/\.safetensors(\.index\.json)?$/.test(name));
    const names = new Set(small.map(({ name }) => name));
    // Artefacts that a model brings along may be stored as weights are.
    const elsewhere = new Set(files.flatMap(({ name }) => (names.has(name) ? [] : [name])));
    if (!names.has('tokenizer.json') && !(names.has('vocab.json') && names.has('merges.txt')))
      throw new ErrataError('tokenizer_missing', 'the model was imported without a tokenizer');
    const texts = await withModelDirectory(blobs, small, async (directory) => ({
      tokenizer: loadTokenizer(directory),
      defaults: readDefaults(directory, elsewhere),
    }));
    kept.set(key, texts);
    return texts;
  };
}
