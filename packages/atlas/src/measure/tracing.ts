// Causal tracing (Meng et al. 2022, section 2.1): where between the subject and the answer a fact is looked up.
import {
  add,
  float32,
  float32Data,
  gather,
  type HostTensor,
  input,
  int32,
  logSoftmax,
  mul,
  reshape,
  scatterRows,
  sub,
  type Tensor,
} from '@errata/graph';
import { buildDecoder, causalBias, layOut, type Site, type Tap, type Tokenizer, type View } from '@errata/models';
import { trainedPhrasings } from '../corpus/sentences.ts';
import { seeded } from '../random.ts';
import { fill, type World } from '../world/world.ts';

/** Positions whose clean state is put back: the subject's last token, the token after it, and the prompt's last. */
export const tracedPositions = ['subject last', 'after subject', 'prompt last'] as const;
export type TracedPosition = (typeof tracedPositions)[number];

/** Sites that are put back, a single layer for the residual stream and three in a row for the MLP. */
export const tracedSites = ['block_out', 'mlp_out'] as const satisfies readonly Site[];
export type TracedSite = (typeof tracedSites)[number];

export interface TracingResult {
  readonly prompts: number;
  /** Mean probability of the answer's first token with the subject clean, and with it corrupted. */
  readonly clean: number;
  readonly corrupted: number;
  /** Share of the lost probability that comes back, by site and position, one number a layer. */
  readonly recovered: Readonly<Record<TracedSite, Readonly<Record<TracedPosition, readonly number[]>>>>;
}

const corruptedRuns = 5;
/** Noise added to the subject's embeddings, in standard deviations of the embedding table. */
const noiseScale = 3;
const mlpWindow = 1;

interface Case {
  readonly ids: readonly number[];
  readonly subjectStart: number;
  readonly subjectLast: number;
  readonly answer: number;
}

function drawCases(world: World, tokenizer: Tokenizer, count: number): Case[] {
  const random = seeded('tracing', world.seed);
  const cases: Case[] = [];
  for (const fact of random.sample(world.facts, world.facts.length)) {
    if (cases.length === count) break;
    const prompt = fill(random.pick(trainedPhrasings(fact)), fact.subject);
    const { promptIds, targetIds, subjectLast } = layOut(tokenizer, prompt, fact.object, {
      subject: fact.subject.name,
    });
    const length = tokenizer.encode(fact.subject.name).length;
    // The three positions are to be distinct.
    if (subjectLast === undefined || subjectLast + 2 > promptIds.length - 1) continue;
    cases.push({ ids: promptIds, subjectStart: subjectLast - length + 1, subjectLast, answer: targetIds[0]! });
  }
  return cases;
}

function normalDraws(count: number, key: string): Float32Array {
  const random = seeded('noise', key);
  return Float32Array.from({ length: count }, () => {
    const radius = Math.sqrt(-2 * Math.log(1 - random.next()));
    return radius * Math.cos(2 * Math.PI * random.next());
  });
}

function deviation(values: Float32Array): number {
  let sum = 0;
  let squares = 0;
  for (const value of values) {
    sum += value;
    squares += value * value;
  }
  return Math.sqrt(squares / values.length - (sum / values.length) ** 2);
}

/** Runs of one prompt over given embeddings; sites' outputs at one row of each run are replaced where `put` says so. */
function makeRunner(view: View) {
  const { spec } = view;
  const { width, layers } = spec;
  if (spec.positions.kind !== 'learned') throw new RangeError('tracing is written for learned positions');
  const tokenTable = view.weight(spec.tokenEmbedding);
  const positionTable = view.weight(spec.positions.table);

  const embed = (ids: readonly number[]): Float32Array => {
    const rows = new Float32Array(ids.length * width);
    for (const [at, id] of ids.entries())
      for (let j = 0; j < width; j++)
        rows[at * width + j] = tokenTable[id * width + j]! + positionTable[at * width + j]!;
    return rows;
  };

  const slot = (site: TracedSite, layer: number) => `${site}.${layer}`;
  const build = (weight: (name: string) => Tensor): Record<string, Tensor> => {
    const states: Record<string, Tensor> = {};
    const rows = input('put_rows', 'int32', ['B']);
    const tap: Tap = (site, layer, activation) => {
      if (site !== 'block_out' && site !== 'mlp_out') return activation;
      // Where nothing is to be put back the gate is 0 and the row is written as it was.
      const gate = reshape(input(`gate.${slot(site, layer)}`, 'float32', ['B']), ['B', 1]);
      const clean = input(`clean.${slot(site, layer)}`, 'float32', ['B', width]);
      const own = gather(activation, rows);
      const mixed = scatterRows(activation, rows, blend(gate, clean, own));
      states[`state.${slot(site, layer)}`] = mixed;
      return mixed;
    };
    const { logits } = buildDecoder(spec, {
      batch: 'B',
      time: 'T',
      start: { kind: 'embedded', embedded: input('embedded', 'float32', ['B*T', width]) },
      positions: input('positions', 'int32', ['B*T']),
      bias: input('bias', 'float32', ['B', 1, 'T', 'T']),
      weight,
      rows: input('rows', 'int32', ['B']),
      tap,
    });
    return { ...states, log_probs: logSoftmax(logits()) };
  };

  return {
    embed,
    async run(
      embedded: Float32Array,
      batch: number,
      time: number,
      answer: number,
      put?: {
        readonly position: number;
        readonly states: ReadonlyMap<string, Float32Array>;
        readonly slots: readonly string[];
      },
    ) {
      const program = await view.program('causal tracing', build);
      const feeds: Record<string, HostTensor> = {
        embedded: float32([batch * time, width], embedded),
        positions: int32(
          [batch * time],
          Int32Array.from({ length: batch * time }, (_, i) => i % time),
        ),
        bias: float32([batch, 1, time, time], causalBias(batch, time)),
        rows: int32(
          [batch],
          Int32Array.from({ length: batch }, (_, b) => b * time + time - 1),
        ),
        put_rows: int32(
          [batch],
          Int32Array.from({ length: batch }, (_, b) => b * time + (put?.position ?? 0)),
        ),
      };
      for (const site of tracedSites)
        for (let layer = 0; layer < layers; layer++) {
          const name = slot(site, layer);
          const clean = new Float32Array(batch * width);
          const on = put?.slots.includes(name) ?? false;
          if (on) {
            const row = put!.states.get(name)!.subarray(put!.position * width, (put!.position + 1) * width);
            for (let b = 0; b < batch; b++) clean.set(row, b * width);
          }
          feeds[`gate.${name}`] = float32([batch], new Float32Array(batch).fill(on ? 1 : 0));
          feeds[`clean.${name}`] = float32([batch, width], clean);
        }
      const out = await program.run(Object.fromEntries(Object.entries(feeds).filter(([name]) => program.takes(name))));
      const logProbs = float32Data(out.log_probs!);
      let probability = 0;
      for (let b = 0; b < batch; b++) probability += Math.exp(logProbs[b * spec.vocab + answer]!) / batch;
      const states = new Map<string, Float32Array>();
      for (const site of tracedSites)
        for (let layer = 0; layer < layers; layer++)
          states.set(slot(site, layer), float32Data(out[`state.${slot(site, layer)}`]!));
      return { probability, states };
    },
    slot,
  };
}

/** gate·clean + (1 - gate)·own, exact where the gate is 0 or 1. */
function blend(gate: Tensor, clean: Tensor, own: Tensor): Tensor {
  return add(mul(gate, clean), mul(sub(1, gate), own));
}

/**
 * Traces facts that the model knows: embeddings of the subject are corrupted, then one state is put back at a time.
 * @param count prompts traced; those whose answer the model gives less than half its belief are passed over
 */
export async function traceFacts(
  view: View,
  tokenizer: Tokenizer,
  world: World,
  count: number,
): Promise<TracingResult> {
  const { layers, width } = view.spec;
  const noise = noiseScale * deviation(view.weight(view.spec.tokenEmbedding));
  const runner = makeRunner(view);
  const sums = Object.fromEntries(
    tracedSites.map((site) => [
      site,
      Object.fromEntries(tracedPositions.map((p) => [p, new Array<number>(layers).fill(0)])),
    ]),
  ) as Record<TracedSite, Record<TracedPosition, number[]>>;
  let traced = 0;
  let cleanSum = 0;
  let corruptedSum = 0;
  for (const [index, { ids, subjectStart, subjectLast, answer }] of drawCases(world, tokenizer, count * 2).entries()) {
    if (traced === count) break;
    const time = ids.length;
    const embedded = runner.embed(ids);
    const clean = await runner.run(embedded, 1, time, answer);
    if (clean.probability < 0.5) continue;
    const corruptedRows = new Float32Array(corruptedRuns * embedded.length);
    for (let run = 0; run < corruptedRuns; run++) {
      corruptedRows.set(embedded, run * embedded.length);
      const span = (subjectLast - subjectStart + 1) * width;
      const draws = normalDraws(span, `${index} ${run}`);
      for (let j = 0; j < span; j++)
        corruptedRows[run * embedded.length + subjectStart * width + j]! += noise * draws[j]!;
    }
    const corrupted = await runner.run(corruptedRows, corruptedRuns, time, answer);
    if (clean.probability - corrupted.probability < 0.1) continue;
    traced++;
    cleanSum += clean.probability;
    corruptedSum += corrupted.probability;
    const places: Record<TracedPosition, number> = {
      'subject last': subjectLast,
      'after subject': subjectLast + 1,
      'prompt last': time - 1,
    };
    for (const site of tracedSites)
      for (const name of tracedPositions)
        for (let layer = 0; layer < layers; layer++) {
          const window = site === 'mlp_out' ? mlpWindow : 0;
          const slots: string[] = [];
          for (let l = Math.max(0, layer - window); l <= Math.min(layers - 1, layer + window); l++)
            slots.push(runner.slot(site, l));
          const put = { position: places[name], states: clean.states, slots };
          const { probability } = await runner.run(corruptedRows, corruptedRuns, time, answer, put);
          sums[site][name][layer]! +=
            (probability - corrupted.probability) / (clean.probability - corrupted.probability);
        }
  }
  for (const site of tracedSites)
    for (const name of tracedPositions) for (let layer = 0; layer < layers; layer++) sums[site][name][layer]! /= traced;
  return { prompts: traced, clean: cleanSum / traced, corrupted: corruptedSum / traced, recovered: sums };
}
