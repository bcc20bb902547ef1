// Tokenizers against the reference library: ids, decoding, special tokens, bytes and the position of every token.

import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { ModelError, type ModelErrorCode } from '../errors.ts';
import { loadTokenizer, tokenizerFromFiles, tokenizerFromJson, tokenizerFromVocabAndMerges } from './load-tokenizer.ts';
import { tokenOffsets } from './token-offsets.ts';
import type { Tokenizer } from './tokenizer.ts';

const fixtures = fileURLToPath(new URL('../fixtures/tokenizers/', import.meta.url));
const sharedModels = fileURLToPath(new URL('../../../../../shared/data/models/', import.meta.url));

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8'));
}

interface Expectation {
  readonly text: string;
  readonly ids: number[];
  readonly withSpecials: number[];
  readonly decoded: string;
  /** End of each token in the text, in code points. */
  readonly ends: number[];
}

const expectationsOf = (name: string): Expectation[] =>
  readJson(join(fixtures, `${name}.expected.json`)) as Expectation[];
/** The tokenizer of files by name; what is not text is written as JSON. */
const ofFiles = (files: Readonly<Record<string, unknown>>): Tokenizer =>
  tokenizerFromFiles((name) => {
    const file = files[name];
    return file === undefined || typeof file === 'string' ? file : JSON.stringify(file);
  }, 'files');
const fixtureTokenizer = (name: string): Tokenizer => tokenizerFromJson(readJson(join(fixtures, `${name}.json`)));

function codeOf(action: () => unknown): ModelErrorCode {
  try {
    action();
  } catch (error) {
    if (error instanceof ModelError) return error.code;
    throw error;
  }
  throw new Error('nothing was refused');
}

/** A byte position as the reference counts: in code points, a character begun counting whole. */
function codePoints(text: string, byte: number): number {
  let bytes = 0;
  let count = 0;
  for (const character of text) {
    if (bytes >= byte) break;
    bytes += Buffer.byteLength(character);
    count++;
  }
  return count;
}

function agrees(tokenizer: Tokenizer, { text, ids, withSpecials, decoded, ends }: Expectation): void {
  expect(tokenizer.encode(text)).toEqual(ids);
  // A caller may do with its ids what it likes.
  tokenizer.encode(text).fill(0);
  expect(tokenizer.encode(text)).toEqual(ids);
  expect(tokenizer.encode(text, { specialTokens: true })).toEqual(withSpecials);
  expect([...tokenizer.prefixIds, ...ids, ...tokenizer.suffixIds]).toEqual(withSpecials);
  // The reference writes a space before some unknown tokens that no text had; ours does not.
  if (!ids.includes(tokenizer.unknownId ?? -1)) expect(tokenizer.decode(ids)).toBe(decoded);
  const { spans } = tokenOffsets(tokenizer, text, ids);
  // A space mark that the tokenizer inserted has no place in the text; the reference gives it the first character.
  const inserted = spans.map((span) => span.start === span.end);
  expect(spans.map((span, i) => (inserted[i] ? null : codePoints(text, span.end)))).toEqual(
    ends.map((end, i) => (inserted[i] ? null : end)),
  );
  expect(inserted.lastIndexOf(true)).toBeLessThanOrEqual(0);
}

const tiny = ['byte-level', 'llama', 'space-after'];
/** Added tokens that are single words, and numerals of many scripts cut out. */
const variants = ['byte-level-words', 'llama-words', 'single-digits', 'joined-digits'];
for (const name of [...tiny, ...variants]) {
  describe(`the tiny ${name} tokenizer agrees with the reference`, () => {
    const tokenizer = fixtureTokenizer(name);
    test.each(expectationsOf(name))('$text', (expectation) => agrees(tokenizer, expectation));
  });
}

test('vocab.json with merges.txt is the same tokenizer as tokenizer.json', () => {
  const tokenizer = tokenizerFromVocabAndMerges(
    readFileSync(join(fixtures, 'byte-level-vocab.json'), 'utf8'),
    readFileSync(join(fixtures, 'byte-level-merges.txt'), 'utf8'),
  );
  for (const expectation of expectationsOf('byte-level')) agrees(tokenizer, expectation);
  expect(tokenizer.eosId).toBe(tokenizer.specialTokens.get('<|endoftext|>'));
  expect(tokenizer.bosId).toBe(tokenizer.eosId);
});

/** What the tokenizer of an encoder is to make of a text, alone and with another behind it. */
interface Encoded extends Pick<Expectation, 'text' | 'ids' | 'withSpecials'> {
  readonly other: string;
  readonly pair: number[];
  readonly types: number[];
}

function encodesAlike(tokenizer: Tokenizer, { text, ids, withSpecials, other, pair, types }: Encoded): void {
  expect(tokenizer.encode(text)).toEqual(ids);
  expect(tokenizer.encode(text, { specialTokens: true })).toEqual(withSpecials);
  expect([...tokenizer.prefixIds, ...ids, ...tokenizer.suffixIds]).toEqual(withSpecials);
  expect(tokenizer.encodePair(text, other)).toEqual({ ids: pair, types });
}

describe("a unigram tokenizer with T5's parts agrees with the reference", () => {
  const tokenizer = fixtureTokenizer('unigram');
  const expected = readJson(join(fixtures, 'unigram.expected.json')) as Encoded[];
  test.each(expected)('$text', (expectation) => encodesAlike(tokenizer, expectation));
  test('what it decodes is the text', () => {
    expect(tokenizer.suffixIds).toEqual([tokenizer.tokenToId('</s>')]);
    const ids = tokenizer.encode('The capital of France is Paris.', { specialTokens: true });
    expect(tokenizer.decode(ids, { skipSpecialTokens: true })).toBe('The capital of France is Paris.');
  });
});

describe("BERT's word pieces agree with the reference", () => {
  const expected = readJson(join(fixtures, 'word-piece.expected.json')) as Encoded[];
  const words = readFileSync(join(fixtures, 'word-piece-vocab.txt'), 'utf8');
  const tokenizers = { 'tokenizer.json': fixtureTokenizer('word-piece'), 'vocab.txt': ofFiles({ 'vocab.txt': words }) };
  for (const [file, tokenizer] of Object.entries(tokenizers)) {
    test.each(expected)(`${file}: $text`, (expectation) => encodesAlike(tokenizer, expectation));
  }
  test('a piece that goes on with a word stands for the text without its mark', () => {
    const tokenizer = tokenizers['tokenizer.json'];
    const inside = tokenizer.encode('xxxx').at(-1)!;
    expect(tokenizer.idToToken(inside)).toMatch(/^##/);
    expect(tokenizer.tokenBytes(inside)).toEqual(Buffer.from(tokenizer.idToToken(inside)!.slice(2)));
  });
  test('vocab.txt is read as its configuration says', () => {
    const lower = ofFiles({ 'vocab.txt': '[UNK]\n[CLS]\n[SEP]\nRome\nrome\r\n' });
    expect(lower.encode('Rome')).toEqual([4]);
    const cased = ofFiles({
      'vocab.txt': '[UNK]\n[CLS]\n[SEP]\nRome\nrome\n',
      'tokenizer_config.json': { do_lower_case: false },
    });
    expect(cased.encode('Rome')).toEqual([3]);
    const named = ofFiles({
      'vocab.txt': '<unk>\n<s>\n</s>\nrome\n',
      'tokenizer_config.json': { unk_token: '<unk>', cls_token: { content: '<s>' }, sep_token: '</s>' },
    });
    expect(named.encode('Rome x', { specialTokens: true })).toEqual([1, 3, 0, 2]);
    expect(codeOf(() => ofFiles({ 'vocab.txt': 'rome\n' }))).toBe('tokenizer_malformed');
  });
});

const gpt2Folder = join(sharedModels, 'gpt2_tokenizer');
test.skipIf(!existsSync(gpt2Folder))(
  'GPT-2 (skipped where ../shared/data is absent): agrees with the reference',
  () => {
    const tokenizer = tokenizerFromVocabAndMerges(
      readFileSync(join(gpt2Folder, 'gpt2_vocab.json'), 'utf8'),
      readFileSync(join(gpt2Folder, 'gpt2_merges.txt'), 'utf8'),
    );
    for (const expectation of expectationsOf('gpt2')) agrees(tokenizer, expectation);
    expect(tokenizer.vocabSize).toBe(50257);
    expect(tokenizer.eosId).toBe(50256);
    expect(tokenizer.prefixIds).toEqual([]);
    expect(tokenizer.encode('a<|endoftext|>b')).toEqual([64, 50256, 65]);
  },
);

const storiesFolder = join(sharedModels, 'tinystories656k');
test.skipIf(!existsSync(storiesFolder))(
  'tinystories656k (skipped where ../shared/data is absent): agrees with the reference',
  () => {
    const tokenizer = loadTokenizer(storiesFolder);
    for (const expectation of expectationsOf('tinystories656k')) agrees(tokenizer, expectation);
    expect([tokenizer.bosId, tokenizer.eosId, tokenizer.unknownId, tokenizer.vocabSize]).toEqual([1, 2, 0, 2048]);
    expect(tokenizer.prefixIds).toEqual([1]);
    expect([...tokenizer.specialTokens.keys()]).toEqual(['<unk>', '<|start_story|>', '<|end_story|>']);
  },
);

describe('special tokens', () => {
  test('prefix and suffix ids are what the tokenizer puts around every text', () => {
    expect(fixtureTokenizer('byte-level').prefixIds).toEqual([]);
    expect(fixtureTokenizer('llama').prefixIds).toEqual([1]);
    expect(fixtureTokenizer('llama').suffixIds).toEqual([]);
    expect(fixtureTokenizer('space-after').prefixIds).toEqual([1]);
    expect(fixtureTokenizer('space-after').suffixIds).toEqual([2]);
  });
  test('BOS and EOS come from the configuration, as text or as an object; the old map goes before it', () => {
    const json = readJson(join(fixtures, 'llama.json'));
    const tokenizer = ofFiles({
      'tokenizer.json': json,
      'tokenizer_config.json': { bos_token: null, eos_token: '<unk>' },
      'special_tokens_map.json': { bos_token: { content: '<s>' }, eos_token: '</s>' },
    });
    expect([tokenizer.bosId, tokenizer.eosId]).toEqual([1, 2]);
    expect(tokenizerFromJson(json).bosId).toBeUndefined();
  });
  test('those that only the class names are added where the embedding has a row for them', () => {
    const files = { 'vocab.json': { a: 0, b: 1 }, 'merges.txt': '' };
    const ofRows = (vocab_size: number) => ofFiles({ ...files, 'config.json': { model_type: 'gpt2', vocab_size } });
    expect([ofRows(3).eosId, ofRows(3).vocabSize]).toEqual([2, 3]);
    expect([ofRows(2).eosId, ofRows(2).vocabSize]).toEqual([undefined, 2]);
    const named = ofFiles({ ...files, 'tokenizer_config.json': { eos_token: '</s>' } });
    expect([named.eosId, named.specialTokens.get('</s>')]).toEqual([2, 2]);
  });
  test('decoding may skip them', () => {
    const tokenizer = fixtureTokenizer('llama');
    const ids = tokenizer.encode('Paris', { specialTokens: true });
    expect(tokenizer.decode(ids, { skipSpecialTokens: true })).toBe('Paris');
  });
});

describe('decoding', () => {
  test('no ids are no text', () => {
    expect(fixtureTokenizer('llama').decode([])).toBe('');
    expect(fixtureTokenizer('llama').decodeContinuation([])).toBe('');
    expect(fixtureTokenizer('llama').encode('')).toEqual([]);
  });
  test('a continuation keeps the space that a text would lose', () => {
    const tokenizer = fixtureTokenizer('llama');
    const ids = tokenizer.encode('Paris');
    expect(tokenizer.decode(ids)).toBe('Paris');
    expect(tokenizer.decodeContinuation(ids)).toBe(' Paris');
  });
  test('a continuation leaves out special tokens and shows half a character as U+FFFD', () => {
    const tokenizer = fixtureTokenizer('byte-level');
    const [first, ...rest] = tokenizer.encode('日');
    expect(rest.length).toBeGreaterThan(0);
    expect(tokenizer.decodeContinuation([first!])).toBe('\ufffd');
    expect(tokenizer.decodeContinuation([tokenizer.tokenToId('<|endoftext|>')!, first!, ...rest])).toBe('日');
  });
  test('a continuation holds nothing that cannot be stored', () => {
    const tokenizer = fixtureTokenizer('byte-level');
    expect(tokenizer.decodeContinuation(tokenizer.encode('a\0b'))).toBe('a\ufffdb');
  });
  test('an id outside the vocabulary is an error that names the range', () => {
    const tokenizer = fixtureTokenizer('byte-level');
    for (const id of [-1, tokenizer.vocabSize, 1.5, NaN]) {
      expect(codeOf(() => tokenizer.decode([id]))).toBe('tokenizer_id_unknown');
      expect(codeOf(() => tokenizer.decodeContinuation([id]))).toBe('tokenizer_id_unknown');
      expect(codeOf(() => tokenizer.tokenBytes(id))).toBe('tokenizer_id_unknown');
    }
  });
});

describe('for any text', () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 40 });
  test('byte-level: decoding gives the text back, and the bytes of the tokens spell it', () => {
    const tokenizer = fixtureTokenizer('byte-level');
    fc.assert(
      fc.property(text, (original) => {
        const ids = tokenizer.encode(original);
        expect(tokenizer.decode(ids)).toBe(original);
        expect(tokenizer.decodeContinuation(ids)).toBe(original);
      }),
      { numRuns: 300 },
    );
  });
  test.each(['byte-level', 'llama', 'space-after'])('%s: token spans cover it in order, without gaps', (name) => {
    const tokenizer = fixtureTokenizer(name);
    fc.assert(
      fc.property(text, (original) => {
        const { spans, byteAt } = tokenOffsets(tokenizer, original, tokenizer.encode(original));
        let at = 0;
        for (const span of spans) {
          expect(span.start).toBe(at);
          at = span.end;
        }
        expect(at).toBe(byteAt(original.length));
      }),
      { numRuns: 300 },
    );
  });
});

describe('offsets', () => {
  test('tokens of another text are refused', () => {
    const tokenizer = fixtureTokenizer('byte-level');
    expect(codeOf(() => tokenOffsets(tokenizer, 'Paris', tokenizer.encode('Rome')))).toBe(
      'tokenizer_offsets_unavailable',
    );
    expect(codeOf(() => tokenOffsets(tokenizer, 'Paris', tokenizer.encode('Par')))).toBe(
      'tokenizer_offsets_unavailable',
    );
  });
  test('a tokenizer that composes or lowers letters is followed', () => {
    const json = readJson(join(fixtures, 'byte-level.json')) as Record<string, unknown>;
    const composing = tokenizerFromJson({ ...json, normalizer: { type: 'NFC' } });
    const decomposed = 'Cafe\u0301 in Paris';
    const { spans, byteAt } = tokenOffsets(composing, decomposed, composing.encode(decomposed));
    expect(spans.at(-1)!.end).toBe(byteAt(decomposed.length));
    expect(spans.some((span) => span.end === byteAt('Cafe\u0301'.length))).toBe(true);
    const lowering = tokenizerFromJson({ ...json, normalizer: { type: 'Lowercase' } });
    expect(tokenOffsets(lowering, 'PARIS', lowering.encode('PARIS')).spans.at(-1)!.end).toBe(5);
    expect(lowering.encode('ΟΔΟΣ')).toEqual(lowering.encode('οδοσ'));
    expect(tokenOffsets(lowering, 'ΟΔΟΣ', lowering.encode('ΟΔΟΣ')).spans.at(-1)!.end).toBe(8);
  });
});

describe('files that are not what they should be', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tokenizer-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const json = readJson(join(fixtures, 'byte-level.json')) as { model: Record<string, unknown> } & Record<
    string,
    unknown
  >;
  const refusal = (document: unknown): ModelErrorCode => codeOf(() => tokenizerFromJson(document));

  test('no tokenizer files', () => expect(codeOf(() => loadTokenizer(folder))).toBe('tokenizer_missing'));
  test('a tokenizer.json that is no JSON', () => {
    writeFileSync(join(folder, 'tokenizer.json'), '{');
    expect(codeOf(() => loadTokenizer(folder))).toBe('tokenizer_malformed');
    rmSync(join(folder, 'tokenizer.json'));
  });
  test('vocab.json without merges.txt, then with', () => {
    copyFileSync(join(fixtures, 'byte-level-vocab.json'), join(folder, 'vocab.json'));
    expect(codeOf(() => loadTokenizer(folder))).toBe('tokenizer_missing');
    copyFileSync(join(fixtures, 'byte-level-merges.txt'), join(folder, 'merges.txt'));
    for (const expectation of expectationsOf('byte-level')) agrees(loadTokenizer(folder), expectation);
  });
  test('vocab.txt alone', () => {
    const alone = mkdtempSync(join(folder, 'words-'));
    copyFileSync(join(fixtures, 'word-piece-vocab.txt'), join(alone, 'vocab.txt'));
    writeFileSync(join(alone, 'tokenizer_config.json'), '{"do_lower_case": false}');
    expect(loadTokenizer(alone).encode('Paris')).not.toEqual(loadTokenizer(alone).encode('paris'));
  });
  test('no object, no model, no vocabulary', () => {
    for (const document of [null, [], 'x', {}, { model: {} }, { model: { vocab: 3 } }]) {
      expect(refusal(document)).toBe('tokenizer_malformed');
    }
  });
  test('ids that are negative, fractional or vast', () => {
    for (const id of [-1, 0.5, 2 ** 40]) {
      expect(refusal({ ...json, model: { ...json.model, vocab: { a: id } } })).toBe('tokenizer_malformed');
      expect(refusal({ ...json, added_tokens: [{ id, content: 'x' }] })).toBe('tokenizer_malformed');
    }
  });
  test('an unknown kind of part', () => {
    expect(refusal({ ...json, pre_tokenizer: { type: 'Nonsense' } })).toBe('tokenizer_unsupported');
    expect(refusal({ ...json, decoder: { type: 'Nonsense' } })).toBe('tokenizer_unsupported');
  });
  test('merges that are not pairs, or make tokens that do not exist', () => {
    const from = (merges: string): ModelErrorCode =>
      codeOf(() => tokenizerFromVocabAndMerges('{"a":0,"b":1,"ab":2}', merges));
    expect(from('a\n')).toBe('tokenizer_malformed');
    expect(from('a b c\n')).toBe('tokenizer_malformed');
    expect(from('b a\n')).toBe('tokenizer_malformed');
    expect(tokenizerFromVocabAndMerges('{"a":0,"b":1,"ab":2}', '#version: 0.2\r\na b\r\n').encode('ab')).toEqual([2]);
  });
  test('a merge of # characters is not taken for the version line', () => {
    expect(tokenizerFromVocabAndMerges('{"#":0,"##":1}', '#version: 0.2\n# #\n').encode('##')).toEqual([1]);
  });
});
