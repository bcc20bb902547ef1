// The index in front of LoRA blocks: points in clusters, which grow where answers agree and are cut where they do not (MELO's vector database).

import type { LoraBlocks } from './blocks.ts';

/** A point of a cluster, and the block that it leads to. */
interface Point {
  readonly key: Float32Array;
  readonly block: number;
}

interface Cluster {
  center: Float32Array;
  radius: number;
  readonly label: string;
  points: readonly Point[];
}

/** A ball that grows to a point ends this share behind it: the same prompt, computed in another batch, is off by rounding. */
const edge = 1e-5;

/** How far inside the halfway point the neighbour's ball ends (reference code). */
const splitGap = 1e-5;

function distanceOf(a: Float32Array, b: Float32Array): number {
  let squared = 0;
  for (let i = 0; i < a.length; i++) squared += (a[i]! - b[i]!) ** 2;
  return Math.sqrt(squared);
}

function nearest<T>(
  all: readonly T[],
  keyOf: (one: T) => Float32Array,
  query: Float32Array,
): { readonly one: T; readonly distance: number } | undefined {
  let best: { one: T; distance: number } | undefined;
  for (const one of all) {
    const distance = distanceOf(keyOf(one), query);
    if (best === undefined || distance < best.distance) best = { one, distance };
  }
  return best;
}

function meanOf(points: readonly Point[]): Float32Array {
  const sums = new Float64Array(points[0]!.key.length);
  for (const { key } of points) for (let i = 0; i < sums.length; i++) sums[i]! += key[i]!;
  return Float32Array.from(sums, (sum) => sum / points.length);
}

const clustersOfMemory = new WeakMap<LoraBlocks, readonly Cluster[]>();

/**
 * The clusters that the points of all blocks make, one after another. Far from every cluster a point begins one; near one of its own label it joins it, which
 * moves the centre and widens the ball over all its points; near another, both balls end halfway, and points that are outside then are forgotten.
 */
export function clustersOf(memory: LoraBlocks): readonly Cluster[] {
  const before = clustersOfMemory.get(memory);
  if (before !== undefined) return before;
  const { keySize, blocks } = memory;
  const clusters: Cluster[] = [];
  for (const [block, { points, labels, radius }] of blocks.entries()) {
    for (const [row, label] of labels.entries()) {
      const key = points.subarray(row * keySize, (row + 1) * keySize);
      const own: Cluster = { center: key, radius, label, points: [{ key, block }] };
      const found = nearest(clusters, ({ center }) => center, key);
      if (found === undefined || found.distance > found.one.radius + radius) {
        clusters.push(own);
        continue;
      }
      const { one, distance } = found;
      if (one.label === label) {
        one.points = [...one.points, { key, block }];
        one.center = meanOf(one.points);
        const furthest = Math.max(...one.points.map((point) => distanceOf(point.key, one.center)));
        one.radius = Math.max(radius, furthest * (1 + edge));
        continue;
      }
      clusters.push({ ...own, radius: Math.min(radius, distance / 2 + splitGap) });
      one.radius = Math.min(one.radius, distance / 2 - splitGap);
      one.points = one.points.filter((point) => distanceOf(point.key, one.center) <= one.radius);
    }
  }
  clustersOfMemory.set(memory, clusters);
  return clusters;
}

/** The block that a query gets, how far it is from the centre of the cluster that says so, and the radius of that; null for none. */
export function blockNear(
  memory: LoraBlocks,
  query: Float32Array,
): { readonly block: number; readonly distance: number; readonly radius: number } | null {
  const found = nearest(clustersOf(memory), ({ center }) => center, query);
  if (found === undefined || found.distance > found.one.radius) return null;
  const point = nearest(found.one.points, ({ key }) => key, query);
  return point === undefined ? null : { block: point.one.block, distance: found.distance, radius: found.one.radius };
}
