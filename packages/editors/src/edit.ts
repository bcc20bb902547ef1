// Making edits: the editor of a name is loaded and run, and held to what it says of its work.
import { ErrataError } from '@errata/contracts';
import { describeEditor, type EditorName } from './catalogue.ts';
import type { Editor, EditorInput, EditorOptions, EditorResult } from './editor.ts';
import { named } from './outcomes.ts';

/**
 * Applies a batch with an editor.
 * @throws ErrataError as {@link Editor}; `invalid_edits` for an empty batch
 */
export async function edit(name: EditorName, input: EditorInput, options: EditorOptions = {}): Promise<EditorResult> {
  if (input.edits.length === 0) throw new ErrataError('invalid_edits', 'there is nothing to edit');
  const editor = (await describeEditor(name).load()).edit as Editor;
  const result = await editor(input, options);
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
