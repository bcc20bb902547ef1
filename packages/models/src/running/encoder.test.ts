// Encoders against transformers: hidden states, gradients and vectors, alone and in batches; and a real one where it is at hand.

import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { float32, float32Data, gradients, input, int32Data, mul, reduceSum, type Tensor } from '@errata/graph';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { realModel } from '../../../../test/support/real-models.ts';
import { buildEncoder } from '../architectures/encoder.ts';
import { loadCheckpoint } from '../files/checkpoint.ts';
import { worstDifference } from '../tiny-models.fixture.ts';
import { type Encoder, encoderFromWeights, openEncoder } from './encoder.ts';
import { type EncoderInput, encoderFeeds, encoderInputs } from './encoder-feeds.ts';

const fixtures = fileURLToPath(new URL('../fixtures/encoders/', import.meta.url));

interface Expected {
  readonly inputs: readonly EncoderInput[];
  /** By input and layer, flat. */
  readonly hidden: readonly (readonly (readonly number[])[])[];
  /** Mean of the last hidden states, of length 1. */
  readonly mean: readonly (readonly number[])[];
  /** The first of the last hidden states. */
  readonly cls: readonly (readonly number[])[];
  /** Sum over inputs of last hidden states, each multiplied by the sine of its place counted from 1. */
  readonly loss: number;
  /** Every seventh number of each parameter's gradient. */
  readonly gradients: Readonly<Record<string, readonly number[]>>;
}

async function open(directory: string): Promise<Encoder> {
  const checkpoint = await loadCheckpoint(directory);
  const encoder = openEncoder(checkpoint);
  checkpoint.close();
  return encoder;
}

const families = readdirSync(fixtures, { withFileTypes: true }).filter((entry) => entry.isDirectory());

for (const { name } of families) {
  describe(name, () => {
    const expected = JSON.parse(readFileSync(`${fixtures}${name}/expected.json`, 'utf8')) as Expected;
    let encoder: Encoder;
    beforeAll(async () => {
      encoder = await open(`${fixtures}${name}`);
    });
    afterAll(() => encoder.release());
    const layers = () => Array.from({ length: encoder.spec.layers + 1 }, (_, layer) => layer);

    it('has the hidden states of transformers after every layer, in a batch of unlike lengths', async () => {
      const states = await encoder.hiddenStates(expected.inputs, layers());
      for (const layer of layers()) {
        const wanted = expected.hidden.flatMap((byLayer) => byLayer[layer]!);
        expect(worstDifference(states.get(layer)!, wanted), `layer ${layer}`).toBeLessThan(1e-4);
      }
    });

    it('says of an input in a batch what it says of it alone', async () => {
      const together = await encoder.hiddenStates(expected.inputs, [encoder.spec.layers]);
      const alone: number[] = [];
      for (const each of expected.inputs)
        alone.push(...(await encoder.hiddenStates([each], [encoder.spec.layers])).get(encoder.spec.layers)!);
      expect(worstDifference(together.get(encoder.spec.layers)!, alone)).toBeLessThan(1e-5);
    });

    it('makes vectors of the mean or of the first token, of length 1 where asked', async () => {
      const mean = await encoder.embedTokens(expected.inputs, { normalise: true });
      expect(worstDifference(mean, expected.mean.flat())).toBeLessThan(1e-4);
      const cls = await encoder.embedTokens(expected.inputs, { pooling: 'cls' });
      expect(worstDifference(cls, expected.cls.flat())).toBeLessThan(1e-4);
    });

    it('has the gradients of torch with respect to every parameter and to the token embeddings', async () => {
      const { spec } = encoder;
      const wanted = Object.keys(expected.gradients);
      expect(wanted.toSorted()).toEqual([...spec.parameters.keys()].toSorted());
      const program = await encoder.program(
        'gradients',
        (weight) => {
          const embedded = input('embedded', 'float32', ['B*S', spec.width]);
          const sines = input('sines', 'float32', ['B*S', spec.width]);
          const shared = { ...encoderInputs(spec), weight };
          const lossOf = (hidden: Tensor) => reduceSum(mul(hidden, sines));
          const loss = lossOf(buildEncoder(spec, shared));
          const again = lossOf(buildEncoder(spec, { ...shared, start: { kind: 'embedded', embedded } }));
          const outputs: Record<string, Tensor> = { loss, again, d_embedded: gradients(again, [embedded])[0]! };
          const slopes = gradients(loss, wanted.map(weight));
          for (const [i, parameter] of wanted.entries()) outputs[`d ${parameter}`] = slopes[i]!;
          return outputs;
        },
        wanted,
      );
      const { inputs } = expected;
      const time = Math.max(...inputs.map(({ ids }) => ids.length));
      const { width } = spec;
      const rows = inputs.length * time;
      const table = encoder.weight(spec.tokenEmbedding);
      const feeds = encoderFeeds(spec, inputs);
      const ids = int32Data(feeds.input_ids!);
      const embedded = new Float32Array(rows * width);
      for (const [row, id] of ids.entries()) embedded.set(table.subarray(id * width, (id + 1) * width), row * width);
      const sines = new Float32Array(rows * width);
      for (const [i, each] of inputs.entries())
        for (let j = 0; j < each.ids.length * width; j++) sines[i * time * width + j] = Math.sin(j + 1);
      const out = await program.run({
        ...feeds,
        embedded: float32([rows, width], embedded),
        sines: float32([rows, width], sines),
      });
      const found = (name: string) => float32Data(out[name]!);
      expect(found('loss')[0]).toBeCloseTo(expected.loss, 3);
      expect(found('again')[0]).toBeCloseTo(expected.loss, 3);
      for (const [parameter, values] of Object.entries(expected.gradients)) {
        const got = found(`d ${parameter}`).filter((_, i) => i % 7 === 0);
        const scale = Math.max(1, ...values.map(Math.abs));
        expect(worstDifference(got, values) / scale, parameter).toBeLessThan(1e-4);
      }
      // The gradient of the table is that of its rows, gathered by token.
      const gathered = new Float32Array(table.length);
      for (const [row, id] of ids.entries())
        for (let j = 0; j < width; j++) gathered[id * width + j]! += found('d_embedded')[row * width + j]!;
      expect(worstDifference(gathered, found(`d ${spec.tokenEmbedding}`))).toBeLessThan(1e-4);
    });

    it('refuses what it cannot read', async () => {
      const { context, vocab } = encoder.spec;
      const refused = (ids: number[]) => encoder.embedTokens([{ ids }]);
      await expect(refused(new Array(context + 1).fill(2))).rejects.toMatchObject({ code: 'sequence_too_long' });
      await expect(refused([vocab])).rejects.toMatchObject({ code: 'sequence_id_unknown' });
      await expect(refused([])).rejects.toMatchObject({ code: 'sequence_empty' });
      if (encoder.spec.tokenTypes)
        await expect(encoder.embedTokens([{ ids: [2], types: [7] }])).rejects.toThrow(/token types are 0 to/);
      await expect(encoder.embed(['text'])).rejects.toMatchObject({ code: 'tokenizer_missing' });
      expect(() => encoderFromWeights(encoder.spec, new Map())).toThrow(
        expect.objectContaining({ code: 'architecture_tensor_missing' }) as never,
      );
    });
  });
}

const minilm = realModel('minilm');
describe.skipIf(minilm === undefined)(
  'the real all-MiniLM-L6-v2 (skipped unless ERRATA_REAL_MODELS holds minilm)',
  () => {
    it('embeds sentences as sentence-transformers does', async () => {
      const { sentences, vectors } = JSON.parse(readFileSync(`${fixtures}all-MiniLM-L6-v2.json`, 'utf8')) as {
        readonly sentences: readonly string[];
        readonly vectors: readonly (readonly number[])[];
      };
      const encoder = await open(minilm!);
      expect(encoder.settings).toEqual({ pooling: 'mean', normalise: true, longest: 256 });
      const got = await encoder.embed(sentences);
      await encoder.release();
      expect(sentences.length).toBe(20);
      expect(worstDifference(got, vectors.flat())).toBeLessThan(1e-4);
    });
  },
);
