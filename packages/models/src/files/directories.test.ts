// Model directories of many kinds against what transformers takes the same files to be: tokenizer, conversation, ends, unread tensors.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { decoderSpec } from '../architectures/index.ts';
import { loadChatTemplate } from '../text/load-chat-template.ts';
import { tokenOffsets } from '../text/token-offsets.ts';
import { type Checkpoint, type CheckpointConfig, loadCheckpoint } from './checkpoint.ts';
import { endIds } from './end-ids.ts';
import { unreadTensors } from './remarks.ts';
import { encodeSafetensors } from './safetensors.ts';

/** Contents of a file: text, JSON, or a file of `fixtures/tokenizers` with some fields replaced. */
type Contents = string | (Readonly<Record<string, unknown>> & { readonly stored?: string; readonly patch?: object });

interface Directory {
  readonly name: string;
  readonly files: Readonly<Record<string, Contents>>;
  /** Of each text, with all that belongs around it. */
  readonly ids: readonly (readonly number[])[];
  readonly bos: number | null;
  readonly eos: number | null;
  readonly pad: number | null;
  /** A greeting in words; left out where there is no chat template. */
  readonly chat?: string;
  /** What the configurations say that ends a text. */
  readonly stops?: readonly number[];
}

interface Weights {
  /** Its folder in fixtures. */
  readonly model: string;
  readonly beside: readonly string[];
  readonly unread: readonly string[];
}

const fixtures = new URL('../fixtures/', import.meta.url);
const { texts, variants, models } = JSON.parse(readFileSync(new URL('directories.json', fixtures), 'utf8')) as {
  readonly texts: readonly string[];
  readonly variants: readonly Directory[];
  readonly models: readonly Weights[];
};

const root = mkdtempSync(join(tmpdir(), 'directories-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const weights = encodeSafetensors(new Map([['w', { shape: [1], data: Float32Array.of(1) }]]));

function textOf(contents: Contents): string {
  if (typeof contents === 'string') return contents;
  const { stored, patch, ...json } = contents;
  if (stored === undefined) return JSON.stringify(json);
  const text = readFileSync(new URL(`tokenizers/${stored}`, fixtures), 'utf8');
  return patch === undefined ? text : JSON.stringify({ ...JSON.parse(text), ...patch });
}

async function open(files: Directory['files']): Promise<Checkpoint> {
  const path = mkdtempSync(join(root, 'model-'));
  writeFileSync(join(path, 'model.safetensors'), weights);
  for (const [name, contents] of Object.entries(files)) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), textOf(contents));
  }
  const checkpoint = await loadCheckpoint(path);
  checkpoint.close();
  return checkpoint;
}

describe('a directory is what transformers takes it to be', () => {
  test.each(variants)('$name', async ({ files, ids, bos, eos, pad, chat, stops }) => {
    const checkpoint = await open(files);
    const tokenizer = checkpoint.tokenizer!;
    expect(texts.map((text) => tokenizer.encode(text, { specialTokens: true }))).toEqual(ids);
    const around = (text: string) => [...tokenizer.prefixIds, ...tokenizer.encode(text), ...tokenizer.suffixIds];
    expect(texts.map(around)).toEqual(ids);
    const padName = tokenizer.namedTokens.get('pad_token');
    const padId = padName === undefined ? undefined : tokenizer.tokenToId(padName);
    expect([tokenizer.bosId, tokenizer.eosId, padId].map((id) => id ?? null)).toEqual([bos, eos, pad]);
    const messages = [{ role: 'user', content: 'Hi' }];
    expect(loadChatTemplate(checkpoint)?.render({ messages, addGenerationPrompt: false })).toBe(chat);
    expect(new Set(endIds(checkpoint))).toEqual(new Set([...(eos === null ? [] : [eos]), ...(stops ?? [])]));
  });
});

test.each(['tokenizer.json with added_tokens_decoder', 'pieces of Phi-3'])(
  'tokens that take the white space beside them have their place in the text: %s',
  async (directory) => {
    const tokenizer = (await open(variants.find(({ name }) => name === directory)!.files)).tokenizer!;
    const text = 'Rome <|end|>  in <|user|> Paris';
    const { spans } = tokenOffsets(tokenizer, text, tokenizer.encode(text));
    const at = tokenizer.encode(text).indexOf(tokenizer.tokenToId('<|end|>')!);
    expect(text.slice(spans[at]!.start, spans[at]!.end)).toBe('<|end|>  ');
    expect(spans.at(-1)!.end).toBe(text.length);
  },
);

test.each(models)(
  'the tensors beside $model that no model reads are those that transformers names',
  ({ model, beside, unread }) => {
    const config = JSON.parse(readFileSync(new URL(`${model}/config.json`, fixtures), 'utf8')) as CheckpointConfig;
    const usual = [...decoderSpec(config).parameters.keys()];
    const names = [...usual, ...beside.filter((name) => !usual.includes(name))].sort();
    expect(unreadTensors(decoderSpec(config, names), names)).toEqual(unread);
  },
);
