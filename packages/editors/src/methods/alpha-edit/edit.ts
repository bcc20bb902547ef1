// AlphaEdit: MEMIT's values and keys, written off the directions that the text's keys have, past the keys of earlier edits (Fang et al. 2025).
import { ErrataError } from '@errata/contracts';
import { memoryAt, valueMatrix } from '@errata/models';
import { builder as eigenbases } from '../../artefacts/eigenbasis/build.ts';
import { countAtLeast, type Eigenbasis } from '../../artefacts/eigenbasis/eigenbasis.ts';
import { eigenbasisOf } from '../../artefacts/eigenbasis/request.ts';
import type { Editor, EditorInput } from '../../editor.ts';
import { projectedLengths, projectedUpdate } from '../../solve/projected.ts';
import { weightOf } from '../../solve/share.ts';
import { editedLayers, stagesOf } from '../memit/settings.ts';
import { equalShares, type SpreadMethod, spreadEditor } from '../memit/spread-editor.ts';
import type { AlphaEditSettings } from './settings.ts';

/** Off the text's directions, past earlier keys; the keys of its edits stay with the version, as `edited_keys`. */
export const projectedMethod: SpreadMethod<AlphaEditSettings> = {
  ...equalShares,
  stages: stagesOf,
  async solver(input) {
    const { config, artefacts } = input;
    const bases = new Map<number, Eigenbasis>();
    for (const layer of editedLayers(config)) {
      const basis = await artefacts.read(eigenbases, eigenbasisOf(layer));
      requireRoom(basis, config.null_threshold);
      bases.set(layer, basis);
    }
    return async (layer, keys, residuals) => {
      const { null_threshold: threshold } = config;
      const basis = bases.get(layer)!;
      const ridge = await weightOf(config.ridge, () => projectedLengths(keys, basis, threshold));
      return projectedUpdate(keys, residuals, earlierKeys(input, layer), basis, { threshold, ridge });
    };
  },
  remembers: ({ spec }, layer, keys) => {
    const { weight: tensor, inSize: size } = valueMatrix(spec, layer);
    return { kind: 'edited_keys', tensor, size, keys: Float32Array.from(keys.flatMap((key) => [...key])) };
  },
};

/** AlphaEdit. */
export const edit: Editor<AlphaEditSettings> = spreadEditor(projectedMethod);

/** Keys of the edits that the parent has, at a layer. */
function earlierKeys({ view }: EditorInput<AlphaEditSettings>, layer: number): readonly Float64Array[] {
  const { weight } = valueMatrix(view.spec, layer);
  const memory = memoryAt(view.memories, 'edited_keys', weight);
  if (memory === undefined) return [];
  const { size, keys } = memory;
  return Array.from({ length: keys.length / size }, (_, row) =>
    Float64Array.from(keys.subarray(row * size, (row + 1) * size)),
  );
}

function requireRoom(basis: Eigenbasis, threshold: number): void {
  const { layer, size, values } = basis;
  if (countAtLeast(basis, threshold) < size) return;
  throw new ErrataError(
    'edit_failed',
    `layer ${layer}: every eigenvalue of the second moment reaches null_threshold ${threshold} (the smallest is ${values.at(-1)!.toPrecision(3)}), so that there is no direction to write along: raise it`,
    { details: { layer, threshold, smallest: values.at(-1)!, largest: values[0]! } },
  );
}
