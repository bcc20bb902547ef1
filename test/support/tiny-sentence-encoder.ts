// A tiny random BERT with a vocabulary of whole words, as a directory: a sentence encoder for tests.
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const weights = fileURLToPath(new URL('../../packages/models/src/fixtures/encoders/bert/', import.meta.url));

/** As many as its embedding has rows. */
const words =
  '[PAD] [UNK] [CLS] [SEP] [MASK] anna boris clara dmitri elena lives was born in the home of is a city language speaks ' +
  'plays works at oslo rome lima kyoto paris cello piano drums polish french nobody knows and so now';

/** A new directory; the caller removes it. */
export function writeTinySentenceEncoder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'errata-sentence-encoder-'));
  for (const name of ['config.json', 'model.safetensors']) cpSync(join(weights, name), join(path, name));
  writeFileSync(join(path, 'vocab.txt'), words.split(' ').join('\n'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
