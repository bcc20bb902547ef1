// Causal tracing: a prompt's subject is corrupted, and one clean state at a time put back, to see which of them bring the answer back
// (Meng et al. 2022, section 2.1).
import { uniform, type View } from '@errata/models';
import { type TracedSite, tracedSites } from './told.ts';
import { record, restore } from './traced-model.ts';

/** A prompt that names its subject, as tokens. */
export interface TracedFact {
  readonly custom_id: string;
  readonly ids: readonly number[];
  /** Positions of the subject's tokens, first and last. */
  readonly subject: readonly [first: number, last: number];
  /** The token whose probability is followed. */
  readonly answer: number;
}

/** What was found of a fact. */
export interface FactTrace {
  readonly custom_id: string;
  /** Probability of the answer: of the prompt as it is, and corrupted (mean over the noise). */
  readonly clean: number;
  readonly corrupted: number;
  /** Probability with clean states put back, by site, layer and token. */
  readonly restored: Readonly<Record<TracedSite, readonly (readonly number[])[]>>;
}

export interface TracingSettings {
  /** What is added to the subject's embeddings, one a corrupted run: `[subject tokens, width]`. */
  readonly noise: readonly Float32Array[];
  /** Layers on each side of a layer that are put back along with it, for what MLP and attention add; the stream is put back alone. */
  readonly window: number;
  /** Tokens whose states are put back; all from the subject on unless given. */
  readonly positions?: readonly number[];
}

export interface TracingOptions {
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

const meanProbability = (logProbs: readonly number[]): number =>
  logProbs.reduce((sum, x) => sum + Math.exp(x), 0) / logProbs.length;

/** Tokens of one run: enough for products of full speed. With more, later positions would share a run with earlier ones, and compute from these on. */
const tokensInARun = 256;

/** Positions by the run that they share, from the first of which on it computes. */
function runsOf(positions: readonly number[], time: number, copies: number): readonly (readonly number[])[] {
  const runs: number[][] = [];
  for (const position of positions) {
    const last = runs.at(-1);
    if (last !== undefined && (last.length + 1) * copies * (time - last[0]!) <= tokensInARun) last.push(position);
    else runs.push([position]);
  }
  return runs;
}

/** Traces one fact. Memories take no part: what is looked for is in the weights. */
export async function traceFact(
  view: View,
  { custom_id, ids, subject, answer }: TracedFact,
  { noise, window, positions: chosen }: TracingSettings,
  { onProgress, signal }: TracingOptions = {},
): Promise<FactTrace> {
  const { width, layers, vocab } = view.spec;
  const clean = await record(view, ids, [new Float32Array(ids.length * width)]);
  const corrupted = await record(
    view,
    ids,
    noise.map((own) => {
      const all = new Float32Array(ids.length * width);
      all.set(own, subject[0] * width);
      return all;
    }),
  );
  const lost = meanProbability(noise.map((_, run) => corrupted.logProbs[run * vocab + answer]!));
  // Tokens in front of the subject are as they were: nothing of them is to be put back.
  const positions = chosen ?? Array.from({ length: ids.length - subject[0] }, (_, i) => subject[0] + i);
  const inRuns = runsOf(positions, ids.length, noise.length);
  const restored = {} as Record<TracedSite, number[][]>;
  let done = 0;
  for (const site of tracedSites) {
    restored[site] = [];
    const reach = site === 'block_out' ? 0 : window;
    for (let layer = 0; layer < layers; layer++) {
      const near = Array.from({ length: 2 * reach + 1 }, (_, i) => layer - reach + i);
      const put = { site, layers: near.filter((l) => l >= 0 && l < layers), clean };
      const found = new Array<number>(ids.length).fill(lost);
      for (const some of inRuns) {
        signal?.throwIfAborted();
        const all = await restore(view, ids.length, answer, corrupted, noise.length, some, put);
        for (const [i, position] of some.entries())
          found[position] = meanProbability(all.slice(i * noise.length, (i + 1) * noise.length));
      }
      restored[site].push(found);
      onProgress?.(++done, tracedSites.length * layers);
    }
  }
  return { custom_id, clean: Math.exp(clean.logProbs[answer]!), corrupted: lost, restored };
}

/**
 * Normal noise for a fact's subject.
 * @param deviation of each element
 * @param fact its number, so that no two have the same noise
 */
export function subjectNoise(
  { subject: [first, last] }: Pick<TracedFact, 'subject'>,
  width: number,
  { runs, deviation, seed, fact }: { runs: number; deviation: number; seed: number; fact: number },
): readonly Float32Array[] {
  const next = uniform(seed, fact);
  return Array.from({ length: runs }, () =>
    Float32Array.from({ length: (last - first + 1) * width }, () => {
      const radius = Math.sqrt(-2 * Math.log(1 - next()));
      return deviation * radius * Math.cos(2 * Math.PI * next());
    }),
  );
}

/** Standard deviation of the embeddings of these tokens, as the model reads them. */
export function embeddingDeviation(view: View, tokens: readonly number[]): number {
  const { width, tokenEmbedding, embeddingScale = 1 } = view.spec;
  const table = view.weight(tokenEmbedding);
  let [sum, squares] = [0, 0];
  for (const token of tokens)
    for (let j = 0; j < width; j++) {
      const value = embeddingScale * table[token * width + j]!;
      sum += value;
      squares += value * value;
    }
  const count = tokens.length * width;
  return Math.sqrt(Math.max(0, squares / count - (sum / count) ** 2));
}
