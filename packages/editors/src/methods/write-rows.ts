// Editors that write corrections down as text: edits one after another, each leaving a delta of one row. Nothing is trained.
import { ErrataError } from '@errata/contracts';
import type { Delta, Tokenizer, View } from '@errata/models';
import type { EditorInput, EditorOptions, EditorResult, EditRequest } from '../editor.ts';
import { requireTokenizer } from '../texts/tokenizer.ts';
import { editOneByOne } from './one-by-one.ts';

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
  const tokenizer = requireTokenizer(editorInput);
  return editOneByOne(editorInput, options, {
    phase: 'solve',
    make: async ({ edit, served }) => {
      const delta = await write(tokenizer, edit);
      if (stands(served, delta))
        throw new ErrataError('zero_delta', `${edit.custom_id}: this very correction is in the memory already`);
      return { delta, steps: 0 };
    },
  });
}
