// Which settings a tuning tries: layers all over a model at the clamp that is there, then other clamps at the best of them.
import type { EditorSettings } from '@errata/editors/catalogue';

/** Factors of the clamp that is there. */
const clampFactors = [0.25, 0.5, 2, 4];

/** Where an editor edits: the layer, or the last of those that it edits. */
const endOf = ({ layer, layers }: EditorSettings): number =>
  typeof layer === 'number' ? layer : (layers as readonly number[]).at(-1)!;

/** Whether an editor searches for a value at a layer, so that there is something to tune. */
export const canBeTuned = (config: EditorSettings): boolean =>
  'clamp_factor' in config && (typeof config.layer === 'number' || Array.isArray(config.layers));

/** The settings with which an editor would edit at another layer: of several, as many as now, that end there. */
function at(config: EditorSettings, end: number): EditorSettings {
  if (typeof config.layer === 'number') return { layer: end };
  const { length } = config.layers as readonly number[];
  const from = Math.max(0, end - length + 1);
  return { layers: Array.from({ length: end - from + 1 }, (_, i) => from + i) };
}

/**
 * Layers to try, the one that is there first and the rest from it outwards: so many, evenly over all that have one behind them.
 * @param most at least 1
 */
export function layerCandidates(config: EditorSettings, layers: number, most: number): readonly EditorSettings[] {
  const own = endOf(config);
  const others = Array.from({ length: Math.max(0, layers - 1) }, (_, layer) => layer).filter((layer) => layer !== own);
  const count = Math.min(most - 1, others.length);
  const spread = Array.from({ length: count }, (_, i) => others[Math.floor(((i + 0.5) * others.length) / count)]!);
  return [
    {},
    ...spread.toSorted((a, b) => Math.abs(a - own) - Math.abs(b - own) || a - b).map((end) => at(config, end)),
  ];
}

/** Other clamps than the one that is there. */
export const clampCandidates = ({ clamp_factor }: EditorSettings): readonly EditorSettings[] =>
  clampFactors.map((factor) => ({ clamp_factor: (clamp_factor as number) * factor }));
