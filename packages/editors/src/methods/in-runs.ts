// Editors that make one delta of several edits, run after run of a batch, and are told apart by how they make it.
import type { Delta, View } from '@errata/models';
import type { EditOutcome, Editor, EditorDelta, EditorInput, EditorOptions } from '../editor.ts';
import { alreadyHolds, attempt, attemptEach, heldOutcome, nllOnly } from '../outcomes.ts';
import { type LaidOutEdit, layOutEdit, targetProbabilities } from '../texts/teacher-forcing.ts';
import { sequenceSource } from '../texts/tokenizer.ts';
import type { Course } from '../training/train-beside.ts';
import { inRuns } from './one-pass-editor.ts';

/** Edits that the model does not hold, which share a delta. */
export interface OpenRun {
  readonly run: readonly LaidOutEdit[];
  readonly custom_ids: readonly string[];
  /** The model with the runs before it. */
  readonly served: View;
  onStep(step: number, loss: number): void;
}

/** What is made of them. */
export interface MadeOfRun extends Course {
  readonly delta: Delta;
}

/**
 * @param size edits of a run at most
 * @param steps of the optimiser at most
 */
export const editInRuns =
  <Settings extends { readonly stop_loss: number; readonly steps: number }>(
    size: (settings: Settings) => number,
    make: (input: EditorInput<Settings>, open: OpenRun, options: EditorOptions) => Promise<MadeOfRun>,
  ): Editor<Settings> =>
  async (editorInput, options) => {
    const { view, edits, config } = editorInput;
    const { onProgress } = options;
    const source = sequenceSource(editorInput);
    const outcomes = new Map<string, EditOutcome>();
    const note = (more: Iterable<EditOutcome>) => {
      for (const outcome of more) outcomes.set(outcome.custom_id, outcome);
    };
    const { made: laidOut, failed } = await attemptEach(edits, options, (edit) => layOutEdit(source, edit));
    note(failed);
    const before = await targetProbabilities(view, laidOut);
    const starts = laidOut.map((one, i) => ({ ...one, probability: before[i]!, loss: nllOnly(-Math.log(before[i]!)) }));
    const open = starts.filter(({ edit, loss, probability }) => {
      const holds = alreadyHolds(loss, config);
      if (holds) note([heldOutcome(edit.custom_id, loss, probability)]);
      return !holds;
    });
    let served = view;
    const deltas: EditorDelta[] = [];
    for (const [index, run] of inRuns(open, size(config)).entries()) {
      const asked = run.map(({ edit }) => edit);
      const custom_ids = asked.map(({ custom_id }) => custom_id);
      const done = index * size(config);
      const lost = await attempt(asked, options, async () => {
        const { delta, steps, losses } = await make(
          editorInput,
          {
            run,
            custom_ids,
            served,
            onStep: (step, loss) =>
              onProgress?.({ phase: 'train', done, edits: edits.length, step, steps: config.steps, loss }),
          },
          options,
        );
        served = served.with([delta]);
        deltas.push({ delta, custom_ids });
        const after = await targetProbabilities(served, run);
        note(
          run.map(({ edit: { custom_id }, loss, probability }, i) => ({
            custom_id,
            outcome: 'applied',
            diagnostics: {
              steps,
              first_loss: loss,
              last_loss: nllOnly(losses[i]!),
              target_probability: { before: probability, after: after[i]! },
              deltas: [],
            },
          })),
        );
      });
      note(lost.values());
    }
    onProgress?.({ phase: 'train', done: edits.length, edits: edits.length });
    return { deltas, outcomes: edits.map(({ custom_id }) => outcomes.get(custom_id)!) };
  };
