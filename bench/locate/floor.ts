// What edits cost at least: their floating-point operations, counted from the sequences and the shape of a model, over the measured rate of matrix products.
import type { EditSequences } from '@errata/editors';
import { compile, float32, float64, gemm, input } from '@errata/graph';
import { type DecoderSpec, uniform } from '@errata/models';
import { median } from '../median.ts';

/** Seconds by the clock, and of processors: all threads together. */
export interface Took {
  readonly clock: number;
  readonly processor: number;
}

export async function timed(work: () => Promise<unknown>): Promise<Took> {
  const [begun, before] = [performance.now(), process.cpuUsage()];
  await work();
  const { user, system } = process.cpuUsage(before);
  return { clock: (performance.now() - begun) / 1000, processor: (user + system) / 1e6 };
}

/** Floating-point operations: those of the model are in float32, those of solves in float64. */
export interface Work {
  readonly float32: number;
  readonly float64: number;
}

export const sumWork = (works: readonly Work[]): Work => ({
  float32: works.reduce((sum, work) => sum + work.float32, 0),
  float64: works.reduce((sum, work) => sum + work.float64, 0),
});

/** Operations in a second of processor time. */
export type Rates = Work;

const side = 1024;

/** The rates of a product of large square matrices through the runtime, medians of several: by processor time, which what else a machine does changes little. */
export async function measureRates(): Promise<Rates> {
  const next = uniform(5, 0);
  const numbers = Array.from({ length: side * side }, () => next() - 0.5);
  const rate = async (dtype: 'float32' | 'float64') => {
    const of = (name: string) => input(name, dtype, [side, side]);
    const program = await compile({ product: gemm(of('a'), of('b')) }, { provider: 'cpu' });
    const fed =
      dtype === 'float32'
        ? float32([side, side], Float32Array.from(numbers))
        : float64([side, side], Float64Array.from(numbers));
    const seconds: number[] = [];
    for (let turn = 0; turn < 9; turn++) {
      const { processor } = await timed(() => program.run({ a: fed, b: fed }));
      if (turn > 0) seconds.push(processor);
    }
    await program.release();
    return (2 * side ** 3) / median(seconds);
  };
  return { float32: await rate('float32'), float64: await rate('float64') };
}

export const floorSeconds = (work: Work, rates: Rates): number =>
  work.float32 / rates.float32 + work.float64 / rates.float64;

/** Weights of the linear maps of a block, each of which multiplies every token once. */
function blockWeights({ parameters, layers }: DecoderSpec): readonly number[] {
  const sizes = new Array<number>(layers).fill(0);
  for (const [name, dims] of parameters) {
    const block = name.match(/\.(\d+)\./)?.[1];
    if (block !== undefined && dims.length === 2) sizes[Number(block)]! += dims[0]! * dims[1]!;
  }
  return sizes;
}

/** Tokens `from` to `to` of a sequence through blocks, attention included. Going back to activations alone costs as much, attention twice. */
function through(
  spec: DecoderSpec,
  blocks: readonly [from: number, to: number],
  tokens: readonly [from: number, to: number],
): { readonly maps: number; readonly attention: number } {
  const count = tokens[1] - tokens[0];
  const layers = blocks[1] - blocks[0];
  const weights = blockWeights(spec)
    .slice(...blocks)
    .reduce((sum, size) => sum + size, 0);
  // Each position sees those before it and itself; scores and their sum of values.
  const seen = ((tokens[0] + 1 + tokens[1]) * count) / 2;
  return { maps: 2 * weights * count, attention: 4 * layers * spec.heads * spec.headDim * seen };
}

const forward = ({ maps, attention }: ReturnType<typeof through>) => maps + attention;
const back = ({ maps, attention }: ReturnType<typeof through>) => maps + 2 * attention;

/**
 * A value search: once all layers up to the searched one and, above it, what precedes the subject's end; at every step the layers from `from`
 * on over the rest, there and (but for the last step) back, and the head at each target token and the KL term's.
 */
export function searchWork(spec: DecoderSpec, { contexts, essence }: EditSequences, from: number, steps: number): Work {
  const sequences = [...contexts, essence];
  const once = sequences.reduce(
    (sum, { ids, subjectLast }) =>
      sum +
      forward(through(spec, [0, from], [0, ids.length])) +
      forward(through(spec, [from, spec.layers], [0, subjectLast])),
    0,
  );
  const tails = sequences.map(({ ids, subjectLast }) => through(spec, [from, spec.layers], [subjectLast, ids.length]));
  const rows = contexts.reduce((sum, { targetIds }) => sum + targetIds.length, 0) + 1;
  const head = 2 * rows * spec.width * spec.vocab;
  const there = tails.reduce((sum, tail) => sum + forward(tail), head);
  const andBack = tails.reduce((sum, tail) => sum + back(tail), head);
  return { float32: once + steps * there + Math.max(0, steps - 1) * andBack, float64: 0 };
}

/** Keys and values of a batch under the layers already changed: what precedes the subject's end, up to the searched layer. */
export const keysWork = (spec: DecoderSpec, edits: readonly EditSequences[], searched: number): Work => ({
  float32: edits
    .flatMap(({ contexts }) => contexts)
    .reduce((sum, { subjectLast }) => sum + forward(through(spec, [0, searched + 1], [0, subjectLast + 1])), 0),
  float64: 0,
});

/** A solve for n keys with a stored inverse (or projector) of d_ff rows, and the change of the matrix. */
export function solveWork({ mlpWidth, width }: DecoderSpec, n: number): Work {
  const small = 2 * mlpWidth * mlpWidth * n + 2 * mlpWidth * n * n + n ** 3 / 3 + 2 * n * n * mlpWidth;
  return { float32: 2 * mlpWidth * width * n, float64: small };
}

/** UltraEdit: whole sequences there, and back to the lowest edited layer; then least squares over the target tokens, layer by layer. */
export function ultraEditWork(
  spec: DecoderSpec,
  sequences: readonly { readonly ids: readonly number[]; readonly targetIds: readonly number[] }[],
  layers: readonly number[],
): Work {
  const rows = sequences.reduce((sum, { targetIds }) => sum + targetIds.length, 0);
  const model = sequences.reduce((sum, { ids }) => {
    const all = [0, ids.length] as const;
    return (
      sum + forward(through(spec, [0, spec.layers], all)) + back(through(spec, [layers[0]! + 1, spec.layers], all))
    );
  }, 0);
  const { mlpWidth, width } = spec;
  const solve = 2 * rows * rows * mlpWidth + rows ** 3 / 3 + 2 * rows * rows * width + 2 * rows * mlpWidth * width;
  return { float32: model + 4 * rows * width * spec.vocab, float64: layers.length * solve };
}

/**
 * Second moments of layers over so many tokens in windows, with their inverses: all layers up to the last of them, of which W_out is left
 * out, half of the product of the keys with themselves, which is symmetric, and Cholesky's way to the inverse.
 */
export function momentsWork(spec: DecoderSpec, layers: readonly number[], tokens: number, window: number): Work {
  const { mlpWidth, width } = spec;
  const read = forward(through(spec, [0, Math.max(...layers) + 1], [0, window])) * (tokens / window);
  return {
    float32: read - 2 * mlpWidth * width * tokens,
    float64: layers.length * (tokens * mlpWidth ** 2 + mlpWidth ** 3),
  };
}
