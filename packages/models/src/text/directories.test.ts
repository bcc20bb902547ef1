// Model directories of many kinds: their tokenizers against what transformers makes of the same files.

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { tokenizerFromFiles } from './load-tokenizer.ts';
import { tokenOffsets } from './token-offsets.ts';
import type { Tokenizer } from './tokenizer.ts';

/** Contents of a file: JSON, or a file of `fixtures/tokenizers` with some fields replaced. */
type Contents = Readonly<Record<string, unknown>> & { readonly stored?: string; readonly patch?: object };

interface Directory {
  readonly name: string;
  readonly files: Readonly<Record<string, Contents>>;
  /** Of each text, with all that belongs around it. */
  readonly ids: readonly (readonly number[])[];
  readonly bos: number | null;
  readonly eos: number | null;
}

const fixtures = new URL('../fixtures/', import.meta.url);
const { texts, variants } = JSON.parse(readFileSync(new URL('directories.json', fixtures), 'utf8')) as {
  readonly texts: readonly string[];
  readonly variants: readonly Directory[];
};

function textOf({ stored, patch, ...json }: Contents): string {
  if (stored === undefined) return JSON.stringify(json);
  const text = readFileSync(new URL(`tokenizers/${stored}`, fixtures), 'utf8');
  return patch === undefined ? text : JSON.stringify({ ...JSON.parse(text), ...patch });
}

const tokenizerOf = (files: Directory['files']): Tokenizer =>
  tokenizerFromFiles((name) => files[name] && textOf(files[name]), 'directory');

describe('the tokenizer is what transformers takes it to be', () => {
  test.each(variants)('$name', ({ files, ids, bos, eos }) => {
    const tokenizer = tokenizerOf(files);
    expect(texts.map((text) => tokenizer.encode(text, { specialTokens: true }))).toEqual(ids);
    expect(texts.map((text) => [...tokenizer.prefixIds, ...tokenizer.encode(text), ...tokenizer.suffixIds])).toEqual(
      ids,
    );
    expect([tokenizer.bosId ?? null, tokenizer.eosId ?? null]).toEqual([bos, eos]);
  });
});

test.each(['tokenizer.json with added_tokens_decoder', 'pieces of Phi-3'])(
  'tokens that take the white space beside them have their place in the text: %s',
  (directory) => {
    const tokenizer = tokenizerOf(variants.find(({ name }) => name === directory)!.files);
    const text = 'Rome <|end|>  in <|user|> Paris';
    const { spans } = tokenOffsets(tokenizer, text, tokenizer.encode(text));
    const at = tokenizer.encode(text).indexOf(tokenizer.tokenToId('<|end|>')!);
    expect(text.slice(spans[at]!.start, spans[at]!.end)).toBe('<|end|>  ');
    expect(spans.at(-1)!.end).toBe(text.length);
  },
);
