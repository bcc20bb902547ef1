// What the versions in one batch have of their own: W_out of some layers, applied to their rows alone while all else is read once.

import {
  add,
  float32,
  gather,
  gemm,
  type HostTensor,
  type HostTensors,
  input,
  joinedArrays,
  mul,
  scatterRows,
  type Tensor,
} from '@errata/graph';
import { applyMatrix } from '../architectures/blocks/layers.ts';
import type { Tap } from '../architectures/decoder-graph.ts';
import { type DecoderSpec, findMatrix, valueMatrix } from '../architectures/spec.ts';
import { type Delta, effectOf } from '../deltas/index.ts';
import type { Addend } from '../deltas/kind.ts';
import { indices } from './feeds.ts';
import type { WeightSource } from './program-cache.ts';

/** A change of W_out of low rank, for x·(W + left·right). */
interface LowRank {
  readonly rank: number;
  /** `[rank, inSize]`: the left factor, transposed. */
  readonly left: Float32Array;
  /** `[rank, outSize]` */
  readonly right: Float32Array;
}

/** W_out of some layers as a version has it: what it adds to the base's, or whole matrices in its place. */
export type OwnMatrices =
  | { readonly kind: 'low_rank'; readonly layers: ReadonlyMap<number, LowRank> }
  | { readonly kind: 'whole'; readonly layers: readonly number[]; readonly weight: (name: string) => Float32Array };

/** Ranks beyond which a matrix is applied whole: from there on that costs less. */
const highestRank = 64;

/** A product of two thin matrices, `a` `[inSize, rank]` and `b` `[rank, outSize]`. */
type Thin = Exclude<Addend, Float32Array>;

/** What was added to parameters since the base, in order, by name; undefined for one that has come to more than {@link highestRank}. */
export type Added = ReadonlyMap<string, readonly Thin[] | undefined>;

const rankOf = (thin: readonly Thin[]): number => thin.reduce((sum, { rank }) => sum + rank, 0);

/** What deltas add to parameters, beside what was added before. Of x·W, whichever way round the checkpoint stores W. */
export function addendsOf(spec: DecoderSpec, deltas: readonly Delta[], before: Added): Added {
  const added = new Map(before);
  for (const delta of deltas) {
    const effect = effectOf(delta);
    if (effect.on !== 'weight') continue;
    const { tensor } = effect;
    const matrix = findMatrix(spec, tensor);
    const addend = effect.addend(matrix && { ...matrix, orientation: 'in_out' }, matrix?.inSize ?? 1);
    const known = added.has(tensor) ? added.get(tensor) : [];
    const all = known === undefined || addend instanceof Float32Array ? undefined : [...known, addend];
    added.set(tensor, all && rankOf(all) <= highestRank ? all : undefined);
  }
  return added;
}

/**
 * What a version has of its own.
 * @param added all that it changed of the base
 * @returns undefined where it changed anything but W_out
 */
export function ownMatrices(
  spec: DecoderSpec,
  added: Added,
  weight: (name: string) => Float32Array,
): OwnMatrices | undefined {
  const layers = spec.blocks.flatMap((_, layer) => (added.has(valueMatrix(spec, layer).weight) ? [layer] : []));
  if (layers.length !== added.size) return undefined;
  const factors = new Map<number, LowRank>();
  for (const layer of layers) {
    const thin = added.get(valueMatrix(spec, layer).weight);
    if (thin === undefined) return { kind: 'whole', layers, weight };
    factors.set(layer, {
      rank: rankOf(thin),
      left: joinedArrays(thin.map(({ rank, a }) => transposed(a, a.length / rank, rank))),
      right: joinedArrays(thin.map(({ b }) => b)),
    });
  }
  return { kind: 'low_rank', layers: factors };
}

function transposed(data: Float32Array, rows: number, columns: number): Float32Array {
  const out = new Float32Array(data.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) out[j * rows + i] = data[i * columns + j]!;
  return out;
}

/** What acts in the graph of a batch, and what that is fed. */
export interface Company {
  /** Determines the graph. */
  readonly graph: string;
  readonly tap: (weight: WeightSource) => Tap;
  /**
   * @param of index of the version of each row's sequence, among those of the company
   * @param time positions of every sequence of the run
   */
  readonly feeds: (of: readonly number[], time: number) => HostTensors;
}

const rowsName = (slot: number) => `company_rows.${slot}`;
const matrixName = (name: string, slot: number) => `${name} of version ${slot}`;
const partName = (part: 'left' | 'right' | 'mask', layer: number) => `company_${part}.${layer}`;

/**
 * Makes companies of versions: those of low rank side by side in two thin products per layer, with a mask that keeps each to its rows;
 * those with whole matrices by gathering their rows. Graphs are few: layers that were once changed stay in them, with nothing of theirs to
 * add, and room for whole matrices comes in powers of two.
 */
export function makeCompanies(
  spec: DecoderSpec,
  base: (name: string) => Float32Array,
): (versions: readonly OwnMatrices[]) => Company | undefined {
  const thinLayers = new Set<number>();
  const wholeLayers = new Set<number>();
  return (versions) => {
    const thin = versions.flatMap((own, version) =>
      own.kind === 'low_rank' && own.layers.size > 0 ? [{ version, layers: own.layers }] : [],
    );
    const whole = versions.flatMap((own, version) => (own.kind === 'whole' ? [{ ...own, version }] : []));
    if (thin.length + whole.length === 0) return undefined;
    for (const { layers } of thin) for (const layer of layers.keys()) thinLayers.add(layer);
    for (const { layers } of whole) for (const layer of layers) wholeLayers.add(layer);
    const slots = whole.length === 0 ? 0 : 2 ** Math.ceil(Math.log2(whole.length));
    const inOrder = (layers: ReadonlySet<number>) => [...layers].sort((a, b) => a - b);
    const acting = {
      thin: thin.length === 0 ? [] : inOrder(thinLayers),
      whole: slots === 0 ? [] : inOrder(wholeLayers),
      slots,
    };

    const fixed: Record<string, HostTensor> = {};
    /** By layer, the version of each of its ranks. */
    const owners = new Map<number, readonly number[]>();
    for (const layer of acting.thin) {
      const { inSize, outSize } = valueMatrix(spec, layer);
      const parts = thin.flatMap(({ version, layers }) => {
        const found = layers.get(layer);
        return found === undefined ? [] : [{ version, ...found }];
      });
      const ranks = parts.flatMap(({ version, rank }) => new Array<number>(rank).fill(version));
      owners.set(layer, ranks);
      fixed[partName('left', layer)] = float32([ranks.length, inSize], joinedArrays(parts.map(({ left }) => left)));
      fixed[partName('right', layer)] = float32([ranks.length, outSize], joinedArrays(parts.map(({ right }) => right)));
    }
    for (const layer of acting.whole) {
      const { weight: name } = valueMatrix(spec, layer);
      for (let slot = 0; slot < slots; slot++) {
        const data = whole[slot]?.weight(name) ?? base(name);
        fixed[matrixName(name, slot)] = float32(spec.parameters.get(name)!, data);
      }
    }

    return {
      graph: `low rank at ${acting.thin.join(' ')} and ${slots} whole at ${acting.whole.join(' ')}`,
      tap: (weight) => companyTap(spec, acting, weight),
      feeds: (of, time) => {
        const feeds: Record<string, HostTensor> = { ...fixed };
        for (const [layer, ranks] of owners) {
          const mask = new Float32Array(of.length * time * ranks.length);
          for (const [sequence, version] of of.entries())
            for (const [rank, owner] of ranks.entries())
              if (owner === version)
                for (let t = 0; t < time; t++) mask[(sequence * time + t) * ranks.length + rank] = 1;
          feeds[partName('mask', layer)] = float32([of.length * time, ranks.length], mask);
        }
        for (let slot = 0; slot < slots; slot++) {
          const rows = of.flatMap((version, sequence) =>
            version === whole[slot]?.version ? Array.from({ length: time }, (_, t) => sequence * time + t) : [],
          );
          feeds[rowsName(slot)] = indices(rows);
        }
        return feeds;
      },
    };
  };
}

function companyTap(
  spec: DecoderSpec,
  {
    thin,
    whole,
    slots,
  }: { readonly thin: readonly number[]; readonly whole: readonly number[]; readonly slots: number },
  weight: WeightSource,
): Tap {
  const rows = Array.from({ length: slots }, (_, slot) => input(rowsName(slot), 'int32', [`N${slot}`]));
  const keys = new Map<number, Tensor>();
  return (site, layer, activation) => {
    if (site === 'mlp_key') keys.set(layer, activation);
    if (site !== 'mlp_out') return activation;
    const key = keys.get(layer)!;
    const matrix = valueMatrix(spec, layer);
    let output = activation;
    if (thin.includes(layer)) {
      const ranks = `R${layer}`;
      const left = input(partName('left', layer), 'float32', [ranks, matrix.inSize]);
      const right = input(partName('right', layer), 'float32', [ranks, matrix.outSize]);
      const mask = input(partName('mask', layer), 'float32', [key.dims[0]!, ranks]);
      output = add(output, gemm(mul(gemm(key, left, { transB: true }), mask), right));
    }
    if (!whole.includes(layer)) return output;
    // Puts what its own matrix makes of each row in the place of what the base's makes of it.
    return rows.reduce((all, own, slot) => {
      const replaced = input(matrixName(matrix.weight, slot), 'float32', spec.parameters.get(matrix.weight)!);
      const weightOf = (name: string) => (name === matrix.weight ? replaced : weight(name));
      return scatterRows(all, own, applyMatrix(weightOf, matrix, gather(key, own)));
    }, output);
  };
}
