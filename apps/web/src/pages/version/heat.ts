// Changes of weights by layer and matrix, with how hot each is.
import type { WeightsDiff } from '@errata/contracts';

export interface HeatCell {
  readonly relative: number;
  /** 1 to 5; 5 is the largest change of all, and each step down half a power of ten less. */
  readonly heat: 1 | 2 | 3 | 4 | 5;
  readonly rank: WeightsDiff['tensors'][number]['rank'];
}

export interface Heat {
  /** Names of matrices within a layer. */
  readonly rows: readonly string[];
  /** Numbers of layers; a parameter outside all layers has `-`. */
  readonly layers: readonly string[];
  /** By `layer name`. */
  readonly cells: ReadonlyMap<string, HeatCell>;
}

const steps = [1, 2, 3, 4, 5] as const;
const place = (layer: string): number => (layer === '-' ? -1 : Number(layer));

export function heatOf(tensors: WeightsDiff['tensors']): Heat {
  const placed = tensors.map(({ tensor, relative, norm, rank }) => {
    const [, layer = '-', name = tensor] = /\.(\d+)\.(.+?)(?:\.weight)?$/.exec(tensor) ?? [];
    return { layer, name, relative: relative ?? norm, rank };
  });
  const largest = Math.max(...placed.map(({ relative }) => relative));
  const cells = new Map<string, HeatCell>();
  for (const { layer, name, relative, rank } of placed) {
    const tenfolds = relative > 0 ? Math.log10(largest / relative) : steps.length;
    const heat = steps[Math.max(0, steps.length - 1 - Math.floor(2 * tenfolds))]!;
    cells.set(`${layer} ${name}`, { relative, heat, rank });
  }
  const unique = (all: readonly string[]) => [...new Set(all)];
  return {
    rows: unique(placed.map(({ name }) => name)).sort(),
    layers: unique(placed.map(({ layer }) => layer)).sort((a, b) => place(a) - place(b)),
    cells,
  };
}
