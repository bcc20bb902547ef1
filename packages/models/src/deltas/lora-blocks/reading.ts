// LoRA blocks in the forward graph: the nearest cluster of a prompt's last token, if near enough, says which block its tokens get.

import {
  add,
  argMax,
  cast,
  type Dim,
  equal,
  fill,
  float32,
  gather,
  gemm,
  input,
  int32,
  less,
  lessOrEqual,
  mul,
  reduceMax,
  reduceSum,
  reshape,
  scatterRows,
  sqrt,
  square,
  sub,
  type Tensor,
  where,
} from '@errata/graph';
import type { Tap } from '../../architectures/decoder-graph.ts';
import type { ActivationReading, PromptInputs } from '../reading.ts';
import { blockAddress, blocksName, type LoraBlocks } from './blocks.ts';
import { blockNear, clustersOf } from './clusters.ts';

const feedName = (memory: LoraBlocks, part: string) => `block_${part}.${blocksName(memory)}`;

/** Further from every query than any other point. */
const nowhere = -1e30;

/** Rows one after another, with their squared lengths. */
function rowsOf(keys: readonly Float32Array[], size: number) {
  const rows = new Float32Array(keys.length * size);
  for (const [i, key] of keys.entries()) rows.set(key, i * size);
  const squares = Float32Array.from(keys, (key) => key.reduce((sum, x) => sum + x * x, 0));
  return { rows: float32([keys.length, size], rows), squares: float32([1, keys.length], squares) };
}

/** The factors of all blocks side by side: A's columns, `[in, R]`, and B's rows, `[R, out]`. */
function joined({ blocks }: LoraBlocks, target: number) {
  const total = blocks.reduce((sum, { rank }) => sum + rank, 0);
  const [inSize, outSize] = (['a', 'b'] as const).map(
    (part) => blocks[0]!.factors[target]![part].length / blocks[0]!.rank,
  ) as [number, number];
  const [a, b] = [new Float32Array(inSize * total), new Float32Array(total * outSize)];
  let from = 0;
  for (const { rank, factors } of blocks) {
    const own = factors[target]!;
    for (let i = 0; i < inSize; i++) a.set(own.a.subarray(i * rank, (i + 1) * rank), i * total + from);
    b.set(own.b, from * outSize);
    from += rank;
  }
  return { a: float32([inSize, total], a), b: float32([total, outSize], b) };
}

/** How blocks are read; null where there is none, or no cluster leads to one. */
export function blocksReading(memory: LoraBlocks): ActivationReading | null {
  const { layer, keySize, targets, blocks } = memory;
  const clusters = clustersOf(memory);
  const points = clusters.flatMap((cluster, of) => cluster.points.map((point) => ({ ...point, of })));
  if (points.length === 0) return null;
  const [centers, keys] = [
    rowsOf(
      clusters.map(({ center }) => center),
      keySize,
    ),
    rowsOf(
      points.map(({ key }) => key),
      keySize,
    ),
  ];
  const numbers = (values: readonly number[]) => int32([values.length], Int32Array.from(values));
  const ranks = blocks.flatMap(({ rank }, block) => Array.from({ length: rank }, () => block));
  const emptied = clusters.map((cluster) => (cluster.points.length === 0 ? -1 : cluster.radius));
  const factors = targets.flatMap((_, target) => {
    const { a, b } = joined(memory, target);
    return [[feedName(memory, `a_${target}`), a] as const, [feedName(memory, `b_${target}`), b] as const];
  });
  return {
    at: 'activation',
    layer: Math.min(...targets),
    graph: `blocks.${blocksName(memory)}`,
    tap: (prompts) => blocksTap(memory, prompts),
    feeds: {
      [feedName(memory, 'centers')]: centers.rows,
      [feedName(memory, 'center_squares')]: centers.squares,
      [feedName(memory, 'radii')]: float32([clusters.length], Float32Array.from(emptied)),
      [feedName(memory, 'points')]: keys.rows,
      [feedName(memory, 'point_squares')]: keys.squares,
      [feedName(memory, 'clusters_of')]: numbers(points.map(({ of }) => of)),
      [feedName(memory, 'leads_to')]: numbers(points.map(({ block }) => block)),
      [feedName(memory, 'ranks_of')]: numbers(ranks),
      ...Object.fromEntries(factors),
    },
    speaking: {
      key: { site: 'mlp_pre', layer },
      row: (key) => {
        const found = blockNear(memory, key);
        if (found === null) return null;
        return { row: blockAddress(blocks[found.block]!), score: found.distance, threshold: found.radius };
      },
    },
  };
}

function blocksTap(memory: LoraBlocks, prompts: PromptInputs): Tap {
  const { layer, targets } = memory;
  const inputs = new Map<number, Tensor>();
  let chosen: Tensor | undefined;
  return (site, at, x) => {
    if (site === 'mlp_in' && targets.includes(at)) inputs.set(at, x);
    if (site !== 'mlp_pre') return x;
    if (at === layer) chosen = ranksOf(memory, gather(x, prompts.last));
    const target = targets.indexOf(at);
    return target < 0 ? x : changed(memory, target, prompts, chosen!, inputs.get(at)!, x);
  };
}

/** Which ranks of all blocks a query gets, `[C, R]` of ones and zeros. */
function ranksOf(memory: LoraBlocks, query: Tensor): Tensor {
  const name = blocksName(memory);
  const [clusters, points, ranks] = [`c_${name}`, `p_${name}`, `r_${name}`].map((dim) => dim.replace('.', '_')) as [
    Dim,
    Dim,
    Dim,
  ];
  const size = query.dims[1]!;
  const float = (part: string, dims: readonly Dim[]) => input(feedName(memory, part), 'float32', dims);
  const whole = (part: string, dim: Dim) => input(feedName(memory, part), 'int32', [dim]);
  const closeness = (rows: Tensor, squares: Tensor) => sub(mul(gemm(query, rows, { transB: true }), 2), squares);
  const centers = float('centers', [clusters, size]);
  const nearest = argMax(closeness(centers, float('center_squares', [1, clusters])));
  const distance = sqrt(reduceSum(square(sub(query, gather(centers, nearest))), [1]));
  const isNear = lessOrEqual(distance, gather(float('radii', [clusters]), nearest));
  const column = (x: Tensor) => reshape(x, [x.dims[0]!, 1]);
  const inside = equal(column(nearest), reshape(whole('clusters_of', points), [1, points]));
  const point = argMax(
    where(inside, closeness(float('points', [points, size]), float('point_squares', [1, points])), nowhere),
  );
  const block = gather(whole('leads_to', points), point);
  const own = equal(column(block), reshape(whole('ranks_of', ranks), [1, ranks]));
  return mul(cast(own, 'float32'), cast(column(isNear), 'float32'));
}

/** The tokens of prompts get x A B of their blocks more; every other row keeps its bits. */
function changed(
  memory: LoraBlocks,
  target: number,
  { last, before, of }: PromptInputs,
  chosen: Tensor,
  x: Tensor,
  output: Tensor,
): Tensor {
  const [rows, ranks] = [output.dims[0]!, chosen.dims[1]!];
  const none = fill(0, [rows, ranks], 'float32');
  const mine = scatterRows(scatterRows(none, last, chosen), before, gather(chosen, of));
  const a = input(feedName(memory, `a_${target}`), 'float32', [x.dims[1]!, ranks]);
  const b = input(feedName(memory, `b_${target}`), 'float32', [ranks, output.dims[1]!]);
  const more = gemm(mul(gemm(x, a), mine), b);
  return where(less(0, reduceMax(mine, [1], true)), add(output, more), output);
}
