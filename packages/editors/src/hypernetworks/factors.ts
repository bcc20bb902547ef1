// The factors of a gradient: that of a linear map is a sum over tokens of what went in times the gradient of what came out.
import { concat, float32, float32Data, gradients, input, int32, type Tensor } from '@errata/graph';
import { buildDecoder, type Tap, type View, type ViewProgram } from '@errata/models';
import { runPruned } from '../search/programs.ts';
import { packSequences, sequenceFeeds, sequenceInputs } from '../search/tracer.ts';
import type { TargetSequence } from '../texts/sequences.ts';
import { tuneTargets } from '../training/targets.ts';
import type { EditedMap } from './maps.ts';
import type { TransformMethod } from './methods.ts';

/** Those of one map, a row a token. */
export interface Factors {
  /** How many tokens. */
  readonly count: number;
  /** What went in, `[count, inSize]`. */
  readonly inputs: Float32Array;
  /** Of the loss of the token's own edit with respect to what came out, `[count, outSize]`. */
  readonly gradients: Float32Array;
  /** Index of the edit of each, among those that were asked. */
  readonly edits: Int32Array;
}

/** Inputs and gradients of outputs at all positions. */
function factorProgram(view: View, maps: readonly EditedMap[]): Promise<ViewProgram> {
  const named = maps.map(({ matrix }) => matrix.weight);
  return view.program(`factors ${named.join(' ')}`, (weight) => {
    const seen = new Map<string, Tensor>();
    const tap: Tap = (site, layer, x) => {
      seen.set(`${site} ${layer}`, x);
      return x;
    };
    const rows = input('rows', 'int32', ['R']);
    const { crossEntropy } = buildDecoder(view.spec, { ...sequenceInputs(), weight, rows, tap });
    const { loss } = crossEntropy(input('targets', 'int32', ['R']), input('row_weights', 'float32', ['R']));
    const places = maps.map(({ outputs, layer }) => outputs.map((site) => seen.get(`${site} ${layer}`)!));
    const slopes = [...gradients(loss, places.flat())];
    return Object.fromEntries(
      maps.flatMap(({ input: site, layer }, index) => [
        [`input_${index}`, seen.get(`${site} ${layer}`)!],
        [`gradient_${index}`, concat(slopes.splice(0, places[index]!.length), 1)],
      ]),
    );
  });
}

/**
 * The factors of each edit's mean loss over its target tokens, all in one run.
 * @returns of each map those tokens that have a gradient, or, for MALMEN, those that predict the target's
 */
export async function readFactors(
  view: View,
  { method, maps }: { readonly method: TransformMethod; readonly maps: readonly EditedMap[] },
  sequences: readonly TargetSequence[],
): Promise<readonly Factors[]> {
  const program = await factorProgram(view, maps);
  const packed = packSequences(sequences);
  const { rows, targets, weights } = tuneTargets(sequences, packed.time, 'target_new');
  const count = rows.length;
  const out = await runPruned(program, {
    ...sequenceFeeds(packed),
    rows: int32([count], Int32Array.from(rows)),
    targets: int32([count], Int32Array.from(targets)),
    // Every edit by itself: what else is in the run does not make it smaller.
    row_weights: float32(
      [count],
      Float32Array.from(weights, (weight) => weight * sequences.length),
    ),
  });
  return maps.map(({ matrix }, index) => {
    const inputs = float32Data(out[`input_${index}`]!);
    const slopes = float32Data(out[`gradient_${index}`]!);
    const rowOf = (data: Float32Array, size: number, row: number) => data.subarray(row * size, (row + 1) * size);
    const withGradient = (row: number) =>
      rowOf(slopes, matrix.outSize, row).some((x) => x !== 0) && rowOf(inputs, matrix.inSize, row).some((x) => x !== 0);
    const all = Array.from({ length: packed.batch * packed.time }, (_, row) => row);
    const kept = method === 'malmen' ? rows : all.filter(withGradient);
    const gathered = (data: Float32Array, size: number) => {
      const taken = new Float32Array(kept.length * size);
      for (const [at, row] of kept.entries()) taken.set(rowOf(data, size, row), at * size);
      return taken;
    };
    return {
      count: kept.length,
      inputs: gathered(inputs, matrix.inSize),
      gradients: gathered(slopes, matrix.outSize),
      edits: Int32Array.from(kept, (row) => Math.floor(row / packed.time)),
    };
  });
}
