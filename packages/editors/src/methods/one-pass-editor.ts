// The course of editors that take no steps: they look at a batch of edits once, and change matrices by what they saw.
import type { Delta } from '@errata/models';
import type { EditOutcome, Editor, EditorDelta, EditorInput, EditorOptions } from '../editor.ts';
import { alreadyHolds, attempt, attemptEach, changeNorms, heldOutcome, nllOnly } from '../outcomes.ts';
import { type LaidOutEdit, layOutEdit, targetProbabilities } from '../texts/teacher-forcing.ts';
import { sequenceSource } from '../texts/tokenizer.ts';

/** What was found for a batch. */
export interface OnePass {
  /** In the order in which they are to be installed. */
  readonly deltas: readonly Delta[];
  /** The layers whose matrices they change, in order. */
  readonly changed: readonly { readonly layer: number; readonly tensor: string }[];
}

/** Edits in runs of `batch_size`, in order. */
export const inRuns = <T>(edits: readonly T[], size: number): readonly (readonly T[])[] =>
  Array.from({ length: Math.ceil(edits.length / size) }, (_, run) => edits.slice(run * size, (run + 1) * size));

/** @param solve finds what the edits that do not hold yet change, all together; their deltas carry all of them */
export const onePassEditor =
  <Settings extends { readonly stop_loss: number }>(
    solve: (input: EditorInput<Settings>, asked: readonly LaidOutEdit[], options: EditorOptions) => Promise<OnePass>,
  ): Editor<Settings> =>
  async (editorInput, options) => {
    const { view, edits, config } = editorInput;
    const source = sequenceSource(editorInput);
    const outcomes = new Map<string, EditOutcome>();
    const note = (more: Iterable<EditOutcome>) => {
      for (const outcome of more) outcomes.set(outcome.custom_id, outcome);
    };
    const { made: laidOut, failed: lost } = await attemptEach(edits, options, (edit) => layOutEdit(source, edit));
    note(lost);
    const before = await targetProbabilities(view, laidOut);
    const starts = laidOut.map((one, i) => ({
      ...one,
      loss: nllOnly(-Math.log(before[i]!)),
      probability: before[i]!,
    }));
    const asked = starts.filter(({ edit, loss, probability }) => {
      const held = alreadyHolds(loss, config);
      if (held) note([heldOutcome(edit.custom_id, loss, probability)]);
      return !held;
    });
    const custom_ids = asked.map(({ edit }) => edit.custom_id);
    const deltas: EditorDelta[] = [];
    const failed = await attempt(
      asked.map(({ edit }) => edit),
      options,
      async () => {
        if (asked.length === 0) return;
        const found = await solve(editorInput, asked, options);
        const edited = view.with(found.deltas);
        const norms = found.changed.map(({ layer, tensor }) => changeNorms(view, edited, layer, tensor));
        const after = await targetProbabilities(edited, asked);
        deltas.push(...found.deltas.map((delta) => ({ delta, custom_ids })));
        note(
          asked.map(({ edit: { custom_id }, loss, probability }, i) => ({
            custom_id,
            outcome: 'applied',
            diagnostics: {
              steps: 1,
              first_loss: loss,
              last_loss: nllOnly(-Math.log(after[i]!)),
              target_probability: { before: probability, after: after[i]! },
              deltas: norms,
            },
          })),
        );
      },
    );
    note(failed.values());
    options.onProgress?.({ phase: 'solve', done: edits.length, edits: edits.length });
    return { deltas, outcomes: edits.map(({ custom_id }) => outcomes.get(custom_id)!) };
  };
