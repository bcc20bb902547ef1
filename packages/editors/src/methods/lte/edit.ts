// LTE: an edit leaves its correction in words; prompts like its own are answered behind it, under a change of weights that was trained for going by it.
import { isDeepStrictEqual } from 'node:util';
import { layOut, memoryAt, rowOfPrompt } from '@errata/models';
import { builder } from '../../artefacts/alignment/build.ts';
import { alignmentNeed, frontOf } from '../../artefacts/alignment/request.ts';
import type { Editor } from '../../editor.ts';
import { writeRows } from '../write-rows.ts';
import type { LteSettings } from './settings.ts';

export const edit: Editor<LteSettings> = async (input, options) => {
  const { model, artefacts, config } = input;
  const { sha256: alignment, bytes } = await artefacts.read(builder, alignmentNeed);
  model.contents.lend(alignment, bytes);
  const { threshold, top_k } = config;
  return writeRows(input, options, {
    write: async (tokenizer, { prompt, subject = '', target_new, join }) => {
      const { text: fact } = layOut(tokenizer, prompt, target_new, { join });
      const row = { alignment, prompt, subject, text: frontOf(fact), threshold, top_k };
      return { kind: 'aligned_rows', rows: [row] };
    },
    stands: ({ memories }, delta) =>
      delta.kind === 'aligned_rows' &&
      delta.rows.every((row) => {
        const rows = memoryAt(memories, 'aligned_rows', 'prompt')?.rows ?? [];
        return isDeepStrictEqual(rowOfPrompt(rows, row.prompt), row);
      }),
  });
};
