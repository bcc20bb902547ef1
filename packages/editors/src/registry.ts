// The registry: every editor's name with what gives it life. Total by the names in the contracts.
import { type EditorName, ErrataError } from '@errata/contracts';
import type { Editor, EditorInput, EditorOptions, EditorResult } from './editor.ts';
import { memit } from './locate/memit.ts';
import { rebuiltRome, rome } from './locate/rome.ts';
import { grace } from './memory/grace.ts';
import { named } from './outcomes.ts';
import { fineTune } from './tuning/fine-tune.ts';

/** The editors by name. */
export const editors: { readonly [N in EditorName]: Editor<N> } = {
  'r-rome': rebuiltRome,
  rome,
  memit,
  'ft-m': fineTune,
  'ft-l': fineTune,
  grace,
};

/**
 * Applies a batch with an editor.
 * @throws ErrataError as {@link Editor}; `invalid_edits` for an empty batch
 */
export async function edit<N extends EditorName>(
  name: N,
  input: EditorInput<N>,
  options: EditorOptions = {},
): Promise<EditorResult> {
  if (input.edits.length === 0) throw new ErrataError('invalid_edits', 'there is nothing to edit');
  const result = await editors[name](input, options);
  requireTraces(result);
  return result;
}

/** An edit that was applied has left a delta. */
function requireTraces({ deltas, outcomes }: EditorResult): void {
  const traced = new Set(deltas.flatMap(({ custom_ids }) => custom_ids));
  const lost = outcomes.filter(({ outcome, custom_id }) => outcome === 'applied' && !traced.has(custom_id));
  if (lost.length === 0) return;
  const custom_ids = lost.map(({ custom_id }) => custom_id);
  throw new ErrataError('zero_delta', `${named(custom_ids)}: the editor reported success, but left no delta`, {
    details: { custom_ids },
  });
}

/** Layers whose second moments an editor needs under a configuration. */
export function secondMomentLayers(config: EditorInput<EditorName>['config']): readonly number[] {
  if ('layers' in config) return config.layers;
  return 'second_moment' in config && config.second_moment ? [config.layer] : [];
}
