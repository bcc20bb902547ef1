// One forward path: a suffix over cached keys and values gives what the whole gives, and taps see and replace every site.

import {
  add,
  compile,
  evaluate,
  float32,
  float32Data,
  type HostTensor,
  input,
  int32,
  mul,
  pad,
  type Tensor,
} from '@errata/graph';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { causalBias, hidden } from '../running/masks.ts';
import type { Model } from '../running/model.ts';
import { expectedOutputs, openTiny, tinyModels, worstDifference } from '../tiny-models.fixture.ts';
import { buildDecoder } from './decoder.ts';
import { type DecoderOptions, sites } from './decoder-graph.ts';

const ids = (values: readonly number[]) => int32([values.length], Int32Array.from(values));
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

for (const name of tinyModels) {
  describe(name, () => {
    const sequence = expectedOutputs(name).sequences[2]!;
    const time = sequence.length;
    let model: Model;
    let whole: Readonly<Record<string, HostTensor>>;
    const weight = (tensor: string) => input(tensor, 'float32', model.spec.parameters.get(tensor)!);
    const cached = (source: (tensor: string) => Tensor) => {
      const made = new Map<string, Tensor>();
      return (tensor: string) => {
        const known = made.get(tensor) ?? source(tensor);
        made.set(tensor, known);
        return known;
      };
    };

    /** Runs a graph over the base weights, feeding what it takes. */
    async function run(outputs: Record<string, Tensor>, feeds: Record<string, HostTensor>) {
      const program = await compile(outputs);
      const view = model.view();
      const fed: Record<string, HostTensor> = {};
      for (const { name: taken } of program.inputs) {
        const dims = model.spec.parameters.get(taken);
        fed[taken] = dims ? float32(dims, view.weight(taken)) : feeds[taken]!;
      }
      const out = await program.run(fed);
      await program.release();
      return out;
    }

    const usual = (rows: number): Omit<DecoderOptions, 'start' | 'weight'> => ({
      batch: 1,
      time: rows,
      positions: input('positions', 'int32', [rows]),
      bias: input('bias', 'float32', [1, 1, rows, rows]),
    });

    beforeAll(async () => {
      model = await openTiny(name);
      const states: Record<string, Tensor> = {};
      const graph = buildDecoder(model.spec, {
        ...usual(time),
        start: { kind: 'ids', ids: input('ids', 'int32', [time]) },
        weight: cached(weight),
        tap: (site, layer, x) => {
          if (site === 'block_out') states[`block ${layer}`] = x;
          return x;
        },
      });
      for (const [layer, { key, value }] of graph.present.entries())
        Object.assign(states, { [`key ${layer}`]: key, [`value ${layer}`]: value });
      whole = await run(
        { ...states, logits: graph.logits() },
        { ids: ids(sequence), positions: ids(range(0, time)), bias: float32([1, 1, time, time], causalBias(1, time)) },
      );
    });
    afterAll(() => model.release());

    it('goes on from a hidden state over cached keys and values as if it had begun at the beginning', async () => {
      const { spec } = model;
      const [from, cut] = [1, 4];
      const rest = time - cut;
      const layers = range(from, spec.layers);
      const graph = buildDecoder(spec, {
        ...usual(rest),
        bias: input('bias', 'float32', [1, 1, rest, time]),
        start: { kind: 'hidden', hidden: input('hidden', 'float32', [rest, spec.width]) },
        from,
        past: layers.map((layer) => ({
          key: input(`key ${layer}`, 'float32', [1, spec.kvHeads, cut, spec.headDim]),
          value: input(`value ${layer}`, 'float32', [1, spec.kvHeads, cut, spec.headDim]),
        })),
        weight: cached(weight),
      });
      const early = (tensor: HostTensor): HostTensor => {
        const data = float32Data(tensor);
        const kept = new Float32Array(spec.kvHeads * cut * spec.headDim);
        for (let h = 0; h < spec.kvHeads; h++)
          kept.set(data.subarray(h * time * spec.headDim, (h * time + cut) * spec.headDim), h * cut * spec.headDim);
        return float32([1, spec.kvHeads, cut, spec.headDim], kept);
      };
      const feeds: Record<string, HostTensor> = {
        hidden: float32([rest, spec.width], float32Data(whole[`block ${from - 1}`]!).slice(cut * spec.width)),
        positions: ids(range(cut, time)),
        bias: float32([1, 1, rest, time], causalBias(1, time).slice(cut * time)),
      };
      for (const layer of layers) {
        feeds[`key ${layer}`] = early(whole[`key ${layer}`]!);
        feeds[`value ${layer}`] = early(whole[`value ${layer}`]!);
      }
      const out = await run({ logits: graph.logits() }, feeds);
      const expected = float32Data(whole.logits!).slice(cut * spec.vocab);
      expect(worstDifference(float32Data(out.logits!), expected)).toBeLessThan(1e-5);
    });

    it('is the same behind padding on the left, which the bias hides', async () => {
      const { spec } = model;
      const padded = time + 3;
      const graph = buildDecoder(spec, {
        ...usual(padded),
        start: { kind: 'ids', ids: input('ids', 'int32', [padded]) },
        weight: cached(weight),
      });
      const bias = causalBias(1, padded);
      for (let t = 3; t < padded; t++) bias.fill(hidden, t * padded, t * padded + 3);
      const out = await run(
        { logits: graph.logits() },
        {
          ids: ids([7, 7, 7, ...sequence]),
          positions: ids([0, 0, 0, ...range(0, time)]),
          bias: float32([1, 1, padded, padded], bias),
        },
      );
      const got = float32Data(out.logits!).slice(3 * spec.vocab);
      expect(worstDifference(got, float32Data(whole.logits!))).toBeLessThan(1e-5);
    });

    it('is the same where its queries come in blocks', async () => {
      const { spec } = model;
      const half = Math.floor(time / 2);
      const first = input('bias', 'float32', [1, 1, half, half]);
      const graph = buildDecoder(spec, {
        ...usual(2 * half),
        bias: [first, pad(first, 3, half, 0)],
        start: { kind: 'ids', ids: input('ids', 'int32', [2 * half]) },
        weight: cached(weight),
      });
      const out = await run(
        { logits: graph.logits() },
        {
          ids: ids(sequence.slice(0, 2 * half)),
          positions: ids(range(0, 2 * half)),
          bias: float32([1, 1, half, half], causalBias(1, half)),
        },
      );
      const expected = float32Data(whole.logits!).subarray(0, 2 * half * spec.vocab);
      expect(worstDifference(float32Data(out.logits!), expected)).toBeLessThan(1e-5);
    });

    it('passes every site through the tap in order, and goes on with what it returns', async () => {
      const seen: string[] = [];
      const build = (changed: string | undefined) =>
        buildDecoder(model.spec, {
          ...usual(time),
          start: { kind: 'ids', ids: input('ids', 'int32', [time]) },
          weight: cached(weight),
          tap: (site, layer, x) => {
            if (changed === undefined) seen.push(`${site} ${layer}`);
            return `${site} ${layer}` === changed ? add(x, mul(x, x)) : x;
          },
        }).logits();
      const base = build(undefined);
      const gated = model.spec.blocks[0]!.mlp.kind !== 'plain';
      const perLayer = sites.slice(1, -2).filter((site) => gated || site !== 'mlp_up');
      expect(seen).toEqual([
        'embed 0',
        ...range(0, model.spec.layers).flatMap((layer) => perLayer.map((site) => `${site} ${layer}`)),
        `final_norm ${model.spec.layers - 1}`,
        `logits ${model.spec.layers - 1}`,
      ]);
      const outputs: Record<string, Tensor> = { base };
      for (const place of seen) outputs[place] = build(place);
      for (const place of seen) {
        const feeds = {
          ids: ids(sequence),
          positions: ids(range(0, time)),
          bias: float32([1, 1, time, time], causalBias(1, time)),
        };
        const out = await run({ logits: outputs[place]! }, feeds);
        expect(worstDifference(float32Data(out.logits!), float32Data(whole.logits!)), place).toBeGreaterThan(1e-4);
      }
    });

    it("refuses ranges that are not the model's", () => {
      const options = {
        ...usual(1),
        start: { kind: 'ids', ids: input('ids', 'int32', [1]) } as const,
        weight: cached(weight),
      };
      expect(() => buildDecoder(model.spec, { ...options, to: 9 })).toThrow(/layers 0 to 9/);
      expect(() => buildDecoder(model.spec, { ...options, from: 1 })).toThrow(/starts from hidden states/);
      expect(() => buildDecoder(model.spec, { ...options, past: [] })).toThrow(/one entry a layer/);
      expect(() => buildDecoder(model.spec, { ...options, to: 1 }).logits()).toThrow(/stop short of the head/);
    });
  });
}

describe('the mask', () => {
  it('hides what comes later', async () => {
    expect([...causalBias(2, 2)]).toEqual([0, hidden, 0, 0, 0, hidden, 0, 0]);
    const { y } = await evaluate({ y: input('x', 'float32', [1]) }, { x: float32([1], Float32Array.of(hidden)) });
    expect(Math.exp(float32Data(y)[0]!)).toBe(0);
  });
});
