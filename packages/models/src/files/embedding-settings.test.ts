// The modules.json of a sentence encoder: what it asks for, and what is said where it asks for more.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { readEmbeddingSettings } from './embedding-settings.ts';

const root = mkdtempSync(join(tmpdir(), 'errata-settings-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let made = 0;
function directory(files: Readonly<Record<string, unknown>>): string {
  const folder = join(root, String(made++));
  mkdirSync(folder);
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));
  }
  return folder;
}

const modules = (...names: string[]) =>
  names.map((name, idx) => ({
    idx,
    path: idx === 0 ? '' : `${idx}_${name}`,
    type: `sentence_transformers.models.${name}`,
  }));

it('reads pooling, length and normalisation', () => {
  const mean = {
    'modules.json': modules('Transformer', 'Pooling', 'Normalize'),
    '1_Pooling/config.json': { pooling_mode_mean_tokens: true, pooling_mode_cls_token: false },
    'sentence_bert_config.json': { max_seq_length: 256 },
  };
  expect(readEmbeddingSettings(directory(mean))).toEqual({ pooling: 'mean', normalise: true, longest: 256 });
  const cls = {
    'modules.json': modules('Transformer', 'Pooling'),
    '1_Pooling/config.json': { pooling_mode_cls_token: true },
  };
  expect(readEmbeddingSettings(directory(cls))).toEqual({ pooling: 'cls', normalise: false });
});

it('asks for nothing where there is no modules.json', () => {
  expect(readEmbeddingSettings(directory({}))).toEqual({});
});

it.each([
  ['a further layer', { 'modules.json': modules('Transformer', 'Dense') }, /it asks for Dense/],
  [
    'another pooling',
    { 'modules.json': modules('Transformer', 'Pooling'), '1_Pooling/config.json': { pooling_mode_max_tokens: true } },
    /pools neither the mean nor the first token/,
  ],
  ['a file that is missing', { 'modules.json': modules('Transformer', 'Pooling') }, /cannot be read/],
  ['what is no list', { 'modules.json': { type: 'Transformer' } }, /expected array/],
  ['what is no JSON', { 'modules.json': '[' }, /cannot be read/],
])('refuses %s', (_name, files, says) => {
  const folder = directory(files);
  expect(() => readEmbeddingSettings(folder)).toThrow(
    expect.objectContaining({ code: 'architecture_config_invalid' }) as never,
  );
  expect(() => readEmbeddingSettings(folder)).toThrow(says);
});
