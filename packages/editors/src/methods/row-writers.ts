// Two ways to write a correction down: found by the words of prompts, or by what a sentence encoder makes of them.
import { isDeepStrictEqual } from 'node:util';
import { heldSentenceEncoder, memoryAt, type TextRow, type Tokenizer, unitVector } from '@errata/models';
import { builder } from '../artefacts/sentence-encoder/build.ts';
import { sentenceEncoderNeed } from '../artefacts/sentence-encoder/request.ts';
import type { EditorInput, EditRequest } from '../editor.ts';
import type { RowWriter } from './write-rows.ts';

/** What a row is, however it is found. */
type RowOf = (tokenizer: Tokenizer, edit: EditRequest) => TextRow;

/** Rows that are found by the words of prompts. */
export const wordsWriter = (rowOf: RowOf): RowWriter => ({
  write: async (tokenizer, edit) => ({ kind: 'text_rows', rows: [rowOf(tokenizer, edit)] }),
  stands: ({ memories }, delta) =>
    delta.kind === 'text_rows' &&
    delta.rows.every((row) => {
      const known = memoryAt(memories, 'text_rows', 'prompt')?.rows.find(({ prompt }) => prompt === row.prompt);
      return isDeepStrictEqual(known, row);
    }),
});

/** Rows that are found by vectors; the model's memories are read with the encoder from now on. */
export async function encoderWriter({ model, artefacts }: EditorInput, rowOf: RowOf): Promise<RowWriter> {
  const { sha256, bytes } = await artefacts.read(builder, sentenceEncoderNeed);
  model.contents.lend(sha256, bytes);
  const encoder = await heldSentenceEncoder(model.contents, sha256);
  return {
    write: async (tokenizer, edit) => {
      const { prompt, text, threshold, top_k } = rowOf(tokenizer, edit);
      const vector = await unitVector(encoder, prompt);
      return { kind: 'embedded_rows', rows: [{ encoder: sha256, prompt, text, threshold, top_k, vector }] };
    },
    stands: ({ memories }, delta) =>
      delta.kind === 'embedded_rows' &&
      delta.rows.every((row) => {
        const known = memoryAt(memories, 'embedded_rows', 'prompt')?.rows.find(({ prompt }) => prompt === row.prompt);
        return isDeepStrictEqual(known, row);
      }),
  };
}
