// Retrieval: an edit leaves its correction in words, which are put in front of prompts like its own.
import { layOut, type TextRow, type Tokenizer } from '@errata/models';
import type { Editor, EditRequest } from '../../editor.ts';
import { encoderWriter, wordsWriter } from '../row-writers.ts';
import { writeRows } from '../write-rows.ts';
import type { RetrievalSettings } from './settings.ts';

export const edit: Editor<RetrievalSettings> = async (input, options) => {
  const { template, threshold, top_k, similarity } = input.config;
  const rowOf = (tokenizer: Tokenizer, { prompt, subject = '', target_new, join }: EditRequest): TextRow => {
    const { text: fact } = layOut(tokenizer, prompt, target_new, { join });
    return { prompt, subject, text: template.replaceAll('{fact}', () => fact), threshold, top_k };
  };
  return writeRows(input, options, similarity === 'words' ? wordsWriter(rowOf) : await encoderWriter(input, rowOf));
};
