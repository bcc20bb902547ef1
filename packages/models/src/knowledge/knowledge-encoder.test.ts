// Knowledge encoders: what they make of texts, what padding and positions have to do with it, and their bytes.

import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { tokenizerFromJson } from '../text/load-tokenizer.ts';
import { fixturePath, openTiny, randomArray, worstDifference } from '../tiny-models.fixture.ts';
import { decodeKnowledgeEncoder, encodeKnowledgeEncoder, type StoredKnowledgeEncoder } from './file.ts';
import { openKnowledgeEncoder } from './knowledge-encoder.ts';
import { encoderParameter, knowledgeSpec } from './spec.ts';
import { boundedIds } from './texts.ts';

const tokenizer = tokenizerFromJson(JSON.parse(readFileSync(fixturePath('tokenizers/llama.json'), 'utf8')));
const tiny = await openTiny('gpt2-tied');
const model = { ...tiny, tokenizer };
const longest = 12;

function randomEncoder(ownTokens = false): StoredKnowledgeEncoder {
  const { vocab, width } = ownTokens ? tiny.spec : { vocab: tokenizer.vocabSize, width: 8 };
  const config = {
    model_type: 'bert',
    vocab_size: vocab,
    hidden_size: width,
    intermediate_size: 12,
    num_hidden_layers: 2,
    num_attention_heads: 2,
    max_position_embeddings: longest,
    type_vocab_size: 1,
  };
  const spec = knowledgeSpec(config, {
    representation: 6,
    promptTokens: 2,
    promptWidth: tiny.spec.width,
    sentinelTokens: 3,
    ownTokens,
  });
  const weights = new Map(
    [...spec.parameters].map(([name, dims], seed) => [
      name,
      // As float16 has them, so that nothing is lost on the way through a file.
      randomArray(
        dims.reduce((a, b) => a * b, 1),
        seed,
        1,
      ).map((x) => Math.round(64 * x) / 64),
    ]),
  );
  return {
    model: 'm',
    spec,
    weights,
    tokenizer: null,
    bounds: { start: [1], end: [2], longest },
    details: { seed: 1 },
  };
}

const stored = randomEncoder();
const encoder = openKnowledgeEncoder(stored, model);
afterAll(async () => {
  await encoder.release();
  await tiny.release();
});

/** The encoder with some of its weights changed. */
const changed = (name: string, change: (x: number, i: number) => number) =>
  openKnowledgeEncoder(
    { ...stored, weights: new Map([...stored.weights, [name, stored.weights.get(name)!.map(change)]]) },
    model,
  );

describe('a knowledge encoder', () => {
  const texts = ['the old town', 'a', 'he lives in the old town by the sea'];

  it('makes of a text in a batch what it makes of it alone: padding changes no pooling', async () => {
    const together = await encoder.statements(texts);
    for (const [at, text] of texts.entries()) {
      const alone = await encoder.statements([text]);
      for (const part of ['representations', 'prompts'] as const) {
        const size = alone[part].length;
        expect(worstDifference(together[part].subarray(at * size, (at + 1) * size), alone[part]), part).toBeLessThan(
          1e-5,
        );
      }
    }
  });

  it('has its own head for queries, and runs those together that are asked for together', async () => {
    const { representations } = await encoder.statements(texts);
    const queries = await encoder.queries(texts);
    expect(worstDifference(queries, representations)).toBeGreaterThan(0.1);
    const each = await Promise.all(texts.map((text) => encoder.query(text)));
    expect(
      worstDifference(
        each.flatMap((one) => [...one]),
        queries,
      ),
    ).toBeLessThan(1e-5);
  });

  it('takes the pooler, the mean, the greatest and the least, in this order', async () => {
    const { width } = stored.spec.encoder;
    const parts = ['pooler', 'mean', 'max', 'min'];
    // One column of the head reads one entry of the pooled text; nothing else is added.
    const pooledOf = async (part: number, text: string) => {
      const zeros = new Map(
        [...stored.weights].map(([name, values]) => [
          name,
          name.startsWith('knowledge.') ? values.map(() => 0) : values,
        ]),
      );
      const first = zeros.get('knowledge.in.weight')!;
      for (let j = 0; j < 6; j++) first[j * 4 * width + part * width + j] = 1;
      const read = openKnowledgeEncoder({ ...stored, weights: zeros }, model);
      const { representations } = await read.statements([text]);
      await read.release();
      return representations;
    };
    const [pooler, mean, greatest, least] = await Promise.all(parts.map((_, part) => pooledOf(part, texts[2]!)));
    expect(pooler!.every((x) => Math.abs(x) < 1)).toBe(true);
    for (let j = 0; j < 6; j++) {
      expect(greatest![j]!).toBeGreaterThan(mean![j]!);
      expect(least![j]!).toBeLessThan(mean![j]!);
    }
    const withoutPooler = changed('pooler.weight', () => 0);
    expect(await withoutPooler.sentinel()).not.toEqual(await encoder.sentinel());
    await withoutPooler.release();
  });

  it('has a sentinel without positions, types or the norm of embeddings', async () => {
    const before = await encoder.sentinel();
    const { encoder: text } = stored.spec;
    const embeddings = [text.positions.table, text.embeddingNorm!.weight, text.tokenTypes!.table];
    for (const name of embeddings) {
      const other = changed(encoderParameter(name), (x, i) => x + Math.sin(i));
      expect(await other.sentinel(), name).toEqual(before);
      expect(await other.queries(['the sea']), name).not.toEqual(await encoder.queries(['the sea']));
      await other.release();
    }
    const tokens = changed('sentinel.tokens', (x, i) => (i === 0 ? x + 1 : x));
    expect(await tokens.sentinel()).not.toEqual(before);
    await tokens.release();
  });

  it('keeps the end of a text that is too long, and the tokens around it', () => {
    const ids = tokenizer.encode('he lives in the old town by the sea, and nobody knows why');
    expect(ids.length).toBeGreaterThan(longest);
    expect(
      boundedIds(tokenizer, stored.bounds, ' he lives in the old town by the sea, and nobody knows why\n'),
    ).toEqual([1, ...ids.slice(-(longest - 2)), 2]);
  });

  it("reads the model's own token embeddings where it is made over them, and no other model's", async () => {
    const own = randomEncoder(true);
    expect([...own.weights.keys()].some((name) => name.endsWith('word_embeddings.weight'))).toBe(false);
    const opened = openKnowledgeEncoder({ ...own, bounds: { ...own.bounds, start: [], end: [] } }, model);
    expect(opened.spec.ownTokens).toBe(true);
    await opened.release();
    const narrower = { ...model, spec: { ...tiny.spec, width: tiny.spec.width - 1 } };
    expect(() => openKnowledgeEncoder(own, narrower)).toThrow(expect.objectContaining({ code: 'content_malformed' }));
    expect(() => openKnowledgeEncoder(own, { ...model, tokenizer: undefined })).toThrow(
      expect.objectContaining({ code: 'tokenizer_missing' }),
    );
  });
});

describe('the bytes of a knowledge encoder', () => {
  it('give it back', () => {
    const { spec, ...read } = decodeKnowledgeEncoder(encodeKnowledgeEncoder(stored));
    const { spec: before, ...written } = stored;
    expect(read).toEqual(written);
    expect(spec.parameters).toEqual(before.parameters);
  });

  it('are refused where something is missing or does not fit, by name', () => {
    const bytes = encodeKnowledgeEncoder(stored);
    const refused = (from: string, to: string) => {
      const text = Buffer.from(bytes).toString('latin1');
      expect(text).toContain(from);
      return () => decodeKnowledgeEncoder(Buffer.from(text.replaceAll(from, to), 'latin1'));
    };
    const malformed = expect.objectContaining({ code: 'content_malformed' });
    expect(refused('errata-knowledge-encoder/1', 'errata-knowledge-encoder/9')).toThrow(malformed);
    expect(refused('prompt.out.weight', 'prompt.out.height')).toThrow(malformed);
    expect(refused('\\"longest\\":12', '\\"longest\\":99')).toThrow(malformed);
    expect(refused('\\"promptTokens\\":2', '\\"promptTokens\\":3')).toThrow(malformed);
    expect(refused('\\"sizes\\"', '\\"sides\\"')).toThrow(malformed);
  });
});
