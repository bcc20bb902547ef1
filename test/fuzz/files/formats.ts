// Every kind of file that strangers hand in, with right ones to begin with, and how each is read.
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { parseCasesJsonl, parseEditsJsonl } from '@errata/contracts';
import { openDataset, readDataset } from '@errata/evaluation';
import {
  decodeChange,
  decodeDelta,
  decodeSnapshot,
  encodeChange,
  encodeDelta,
  loadChatTemplate,
  openModel,
  openModelSource,
  parseSafetensors,
  tokenizerFromJson,
} from '@errata/models';
import type { Seed } from './mutate.ts';

/** What is done with a file. It may refuse it, by an error of ours. */
export interface Format {
  readonly name: string;
  readonly seeds: readonly Seed[];
  /** @param scratch a folder that may be written to */
  readonly read: (bytes: Uint8Array, scratch: string) => unknown;
}

const root = fileURLToPath(new URL('../../../', import.meta.url));
const models = join(root, 'packages/models/src/fixtures');
const datasets = join(root, 'packages/evaluation/src/datasets/fixtures');

const seedOf = (path: string, as: Seed['as']): Seed => ({ bytes: readFileSync(path), as });
const seedsIn = (folder: string, ending: string, as: Seed['as'], largest = 100_000): readonly Seed[] =>
  readdirSync(folder)
    .filter(
      (name) => name.endsWith(ending) && !name.includes('expected') && statSync(join(folder, name)).size <= largest,
    )
    .sort()
    .map((name) => seedOf(join(folder, name), as));

const changes = [
  { kind: 'low_rank', tensor: 'a.weight', rank: 1, left: Float32Array.of(1, 2), right: Float32Array.of(3, 4, 5) },
  { kind: 'dense', tensor: 'a.weight', data: Float32Array.of(1, 2, 3, 4) },
] as const;

const utf8 = (bytes: Uint8Array) => Buffer.from(bytes).toString('utf8');

/** A JSON document, as whoever opens a file parses it before it is looked at. */
function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(utf8(bytes));
  } catch {
    return undefined;
  }
}

const safetensors: Format = {
  name: 'safetensors',
  seeds: seedsIn(join(models, 'safetensors'), '.safetensors', 'safetensors'),
  read(bytes) {
    const file = parseSafetensors(bytes, 'a.safetensors');
    for (const name of file.tensors.keys()) file.readRaw(name);
  },
};

const delta: Format = {
  name: 'delta',
  seeds: changes.map((each) => ({ bytes: encodeDelta(each), as: 'safetensors' })),
  read: (bytes) => decodeDelta(bytes),
};

const tokenizer: Format = {
  name: 'tokenizer',
  seeds: readdirSync(join(models, 'tokenizers'))
    .filter((name) => name.endsWith('.json') && !/expected|vocab/.test(name))
    .map((name) => seedOf(join(models, 'tokenizers', name), 'json')),
  read(bytes) {
    const json = parsed(bytes);
    if (json === undefined) return;
    const opened = tokenizerFromJson(json);
    opened.decode(opened.encode('The capital of France is\n Paris, 1234 été 日本', { specialTokens: true }));
  },
};

/** A file of a directory in Hugging Face layout, everything else of which is right. */
function directory(name: string, as: Seed['as'], of: string): Format {
  return {
    name: `${of}/${name}`,
    seeds: [seedOf(join(models, of, name), as)],
    async read(bytes, scratch) {
      const folder = join(scratch, 'model');
      mkdirSync(folder, { recursive: true });
      for (const file of readdirSync(join(models, of)))
        if (file !== 'expected.json')
          writeFileSync(join(folder, file), file === name ? bytes : readFileSync(join(models, of, file)));
      const { checkpoint } = await openModelSource(folder);
      try {
        loadChatTemplate(checkpoint);
        await openModel(checkpoint).release();
      } finally {
        checkpoint.close();
      }
    },
  };
}

const gguf: Format = {
  name: 'gguf',
  seeds: seedsIn(join(models, 'gguf'), '.gguf', 'bytes'),
  async read(bytes, scratch) {
    const path = join(scratch, 'model.gguf');
    writeFileSync(path, bytes);
    const { checkpoint } = await openModelSource(path);
    try {
      for (const name of [...checkpoint.tensors.names].slice(0, 3)) checkpoint.tensors.read(name);
    } finally {
      checkpoint.close();
    }
  },
};

/** Data sets under a name, which decides how some are read. */
const dataset = (ending: string, seeds: readonly Seed[]): Format => ({
  name: ending,
  seeds,
  async read(bytes, scratch) {
    const path = join(scratch, `records.${ending}`);
    writeFileSync(path, bytes);
    let records = 0;
    for await (const _record of readDataset(await openDataset(path))) if (++records > 1000) break;
  },
});

const inRequests: Format = {
  name: 'edits and cases in a request',
  seeds: seedsIn(datasets, '.jsonl', 'lines'),
  read(bytes) {
    parseEditsJsonl(utf8(bytes));
    parseCasesJsonl(utf8(bytes));
  },
};

export const formats: readonly Format[] = [
  safetensors,
  delta,
  {
    name: 'change',
    seeds: [{ bytes: encodeChange('0'.repeat(64), changes), as: 'safetensors' }],
    read: (bytes) => decodeChange(bytes),
  },
  {
    name: 'snapshot',
    seeds: [seedOf(join(models, 'codebooks/snapshot.safetensors'), 'safetensors')],
    read: (bytes) => decodeSnapshot(parseSafetensors(bytes, 'snapshot')),
  },
  tokenizer,
  inRequests,
  dataset('jsonl', seedsIn(datasets, '.jsonl', 'lines')),
  dataset('json', seedsIn(datasets, '.json', 'json')),
  dataset('csv', seedsIn(datasets, '.csv', 'text')),
  dataset(
    'jsonl.gz',
    seedsIn(datasets, '.jsonl', 'bytes').map(({ bytes }) => ({ bytes: gzipSync(bytes), as: 'bytes' })),
  ),
  dataset('parquet', seedsIn(fileURLToPath(new URL('seeds', import.meta.url)), '.parquet', 'bytes')),
  gguf,
  directory('config.json', 'json', 'llama-tied'),
  directory('config.json', 'json', 'gemma3'),
  directory('config.json', 'json', 'phi3-long'),
  directory('model.safetensors', 'safetensors', 'llama-tied'),
];

/** A format as the names of files have it. */
export const fileNamePart = (format: string): string => format.replaceAll(/[^\w.-]+/g, '-');
