// Making edits: the editor of a name is loaded and run, and held to what it says of its work.
import { ErrataError } from '@errata/contracts';
import { describeEditor, type EditorName, lacksSubject } from './catalogue.ts';
import type { EditOutcome, Editor, EditorInput, EditorOptions, EditorResult } from './editor.ts';
import { named } from './outcomes.ts';

/**
 * Applies a batch with an editor.
 * @throws ErrataError as {@link Editor}; `invalid_edits` for an empty batch
 */
export async function edit(name: EditorName, input: EditorInput, options: EditorOptions = {}): Promise<EditorResult> {
  if (input.edits.length === 0) throw new ErrataError('invalid_edits', 'there is nothing to edit');
  const refused = new Map(
    input.edits.flatMap((each) => {
      const complaint = lacksSubject(name, each);
      return complaint === undefined ? [] : [[each.custom_id, complaint] as const];
    }),
  );
  const [first] = refused.values();
  if (first !== undefined && options.onError !== 'continue') throw first;
  const edits = input.edits.filter(({ custom_id }) => !refused.has(custom_id));
  const editor = (await describeEditor(name).load()).edit as Editor;
  const { deltas, outcomes } = await editor({ ...input, edits }, options);
  const result = { deltas, outcomes: inOrder(input.edits, outcomes, refused) };
  requireTraces(result);
  return result;
}

/** What became of every edit, those that were refused before any was made among them. */
function inOrder(
  edits: EditorInput['edits'],
  outcomes: readonly EditOutcome[],
  refused: ReadonlyMap<string, ErrataError>,
): readonly EditOutcome[] {
  const made = outcomes.values();
  return edits.map(({ custom_id }): EditOutcome => {
    const error = refused.get(custom_id);
    if (error === undefined) return made.next().value!;
    return { custom_id, outcome: 'failed', error: { code: error.code, message: error.message } };
  });
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
