// Editors that write corrections down as text: edits one after another, each leaving a delta of one row. Nothing is trained.
import { ErrataError } from '@errata/contracts';
import type { Delta, Tokenizer, View } from '@errata/models';
import type { EditOutcome, EditorDelta, EditorInput, EditorOptions, EditorResult, EditRequest } from '../editor.ts';
import { alreadyHolds, attempt, heldOutcome, nllOnly } from '../outcomes.ts';
import { layOutEdit, targetProbabilities } from '../texts/teacher-forcing.ts';
import { sequenceSource } from '../texts/tokenizer.ts';

/** How a correction is written down. */
export interface RowWriter {
  /** The delta of its row. */
  readonly write: (tokenizer: Tokenizer, edit: EditRequest) => Promise<Delta>;
  /** Whether a version has that very row. */
  readonly stands: (view: View, delta: Delta) => boolean;
}

/** Writes edits down in order. One of a prompt that has a row takes its place. */
export async function writeRows<Settings extends { readonly stop_loss: number }>(
  editorInput: EditorInput<Settings>,
  options: EditorOptions,
  { write, stands }: RowWriter,
): Promise<EditorResult> {
  const { view, edits, config } = editorInput;
  const { onProgress } = options;
  const source = sequenceSource(editorInput);
  let served = view;
  const deltas: EditorDelta[] = [];
  const outcomes: EditOutcome[] = [];
  for (const [done, edit] of edits.entries()) {
    const { custom_id } = edit;
    const failed = await attempt([edit], options, async () => {
      const laidOut = layOutEdit(source, edit);
      const [before] = await targetProbabilities(served, [laidOut]);
      const loss = nllOnly(-Math.log(before!));
      if (alreadyHolds(loss, config)) {
        outcomes.push(heldOutcome(custom_id, loss, before!));
        return;
      }
      const delta = await write(source.tokenizer, edit);
      if (stands(served, delta))
        throw new ErrataError('zero_delta', `${custom_id}: this very correction is in the memory already`);
      const next = served.with([delta]);
      const [after] = await targetProbabilities(next, [laidOut]);
      served = next;
      deltas.push({ delta, custom_ids: [custom_id] });
      outcomes.push({
        custom_id,
        outcome: 'applied',
        diagnostics: {
          steps: 0,
          first_loss: loss,
          last_loss: nllOnly(-Math.log(after!)),
          target_probability: { before: before!, after: after! },
          deltas: [],
        },
      });
    });
    outcomes.push(...failed.values());
    onProgress?.({ phase: 'solve', done: done + 1, edits: edits.length });
  }
  return { deltas, outcomes };
}
