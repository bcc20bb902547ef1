// Retrieval: an edit leaves its correction in words, which are put in front of prompts like its own. Nothing is trained.
import { isDeepStrictEqual } from 'node:util';
import { ErrataError } from '@errata/contracts';
import { layOut, memoryAt, type TextRow, type Tokenizer, type View } from '@errata/models';
import type { EditOutcome, Editor, EditorDelta, EditRequest } from '../../editor.ts';
import { alreadyHolds, attempt, heldOutcome, nllOnly } from '../../outcomes.ts';
import { layOutEdit, targetProbabilities } from '../../texts/teacher-forcing.ts';
import { sequenceSource } from '../../texts/tokenizer.ts';
import type { RetrievalSettings } from './settings.ts';

/** The row of a correction: its text, and what a prompt must be like to be given it. */
function rowOf(tokenizer: Tokenizer, edit: EditRequest, config: RetrievalSettings): TextRow {
  const { prompt, subject = '', target_new, join } = edit;
  const { template, threshold, top_k } = config;
  const { text: fact } = layOut(tokenizer, prompt, target_new, { join });
  const text = template.replaceAll('{fact}', () => fact);
  return { prompt, subject, text, threshold, top_k };
}

/** The row that a version has of a prompt. */
const rowAt = (view: View, of: string): TextRow | undefined =>
  memoryAt(view.memories, 'text_rows', 'prompt')?.rows.find(({ prompt }) => prompt === of);

/** Edits are written down in order, each as a delta of its own, of one row. One of a prompt that has a row takes its place. */
export const edit: Editor<RetrievalSettings> = async (editorInput, options) => {
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
      const row = rowOf(source.tokenizer, edit, config);
      if (isDeepStrictEqual(rowAt(served, row.prompt), row))
        throw new ErrataError('zero_delta', `${custom_id}: this very correction is in the memory already`);
      const delta = { kind: 'text_rows', rows: [row] } as const;
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
};
