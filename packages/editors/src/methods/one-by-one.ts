// Editors that make one delta of each edit, one after another, and are told apart by how they make it.
import type { Delta, View } from '@errata/models';
import type {
  EditOutcome,
  EditorDelta,
  EditorInput,
  EditorOptions,
  EditorProgress,
  EditorResult,
  EditRequest,
} from '../editor.ts';
import { alreadyHolds, attempt, heldOutcome, nllOnly } from '../outcomes.ts';
import { type LaidOutEdit, layOutEdit, targetProbabilities } from '../texts/teacher-forcing.ts';
import { sequenceSource } from '../texts/tokenizer.ts';

/** An edit that the model does not hold. */
export interface OpenEdit {
  readonly edit: EditRequest;
  readonly laidOut: LaidOutEdit;
  /** The model with the edits before it. */
  readonly served: View;
  /** How many edits of the batch are done. */
  readonly done: number;
}

/** What is made of an edit, and the steps of the optimiser that it took. */
export interface MadeOfOne {
  readonly delta: Delta;
  readonly steps: number;
}

/** Makes edits in order, each on top of those before it; what holds already is left alone. */
export async function editOneByOne<Settings extends { readonly stop_loss: number }>(
  editorInput: EditorInput<Settings>,
  options: EditorOptions,
  { phase, make }: { readonly phase: EditorProgress['phase']; readonly make: (open: OpenEdit) => Promise<MadeOfOne> },
): Promise<EditorResult> {
  const { view, edits, config } = editorInput;
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
      const { delta, steps } = await make({ edit, laidOut, served, done });
      const next = served.with([delta]);
      const [after] = await targetProbabilities(next, [laidOut]);
      served = next;
      deltas.push({ delta, custom_ids: [custom_id] });
      outcomes.push({
        custom_id,
        outcome: 'applied',
        diagnostics: {
          steps,
          first_loss: loss,
          last_loss: nllOnly(-Math.log(after!)),
          target_probability: { before: before!, after: after! },
          deltas: [],
        },
      });
    });
    outcomes.push(...failed.values());
    options.onProgress?.({ phase, done: done + 1, edits: edits.length });
  }
  return { deltas, outcomes };
}
