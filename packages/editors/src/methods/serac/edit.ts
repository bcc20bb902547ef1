// SERAC: an edit leaves its correction in words, with the vector by which a scope classifier finds it; the base model is never touched.
import { isDeepStrictEqual } from 'node:util';
import { heldCounterfactual, layOut, memoryAt, rowOfPrompt } from '@errata/models';
import { builder } from '../../artefacts/counterfactual-model/build.ts';
import { counterfactualModelNeed } from '../../artefacts/counterfactual-model/request.ts';
import type { Editor } from '../../editor.ts';
import { writeRows } from '../write-rows.ts';
import type { SeracSettings } from './settings.ts';

export const edit: Editor<SeracSettings> = async (input, options) => {
  const { model, artefacts, config } = input;
  const { sha256, bytes } = await artefacts.read(builder, counterfactualModelNeed);
  model.contents.lend(sha256, bytes);
  const { edits } = await heldCounterfactual(model, sha256);
  const { classifier, candidates, threshold } = config;
  return writeRows(input, options, {
    write: async (tokenizer, { prompt, target_new, join }) => {
      const { text } = layOut(tokenizer, prompt, target_new, { join });
      const correction = { prompt, target: text.slice(prompt.length) };
      const vector = await edits([correction]);
      return {
        kind: 'scoped_rows',
        rows: [{ encoder: sha256, ...correction, classifier, candidates, threshold, vector }],
      };
    },
    stands: ({ memories }, delta) =>
      delta.kind === 'scoped_rows' &&
      delta.rows.every((row) => {
        const rows = memoryAt(memories, 'scoped_rows', 'prompt')?.rows ?? [];
        return isDeepStrictEqual(rowOfPrompt(rows, row.prompt), row);
      }),
  });
};
