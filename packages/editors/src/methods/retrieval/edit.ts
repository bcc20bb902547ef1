// Retrieval: an edit leaves its correction in words, which are put in front of prompts like its own.
import { layOut } from '@errata/models';
import type { Editor } from '../../editor.ts';
import { writeTextRows } from '../write-text-rows.ts';
import type { RetrievalSettings } from './settings.ts';

export const edit: Editor<RetrievalSettings> = (input, options) => {
  const { template, threshold, top_k } = input.config;
  return writeTextRows(input, options, (tokenizer, { prompt, subject = '', target_new, join }) => {
    const { text: fact } = layOut(tokenizer, prompt, target_new, { join });
    return { prompt, subject, text: template.replaceAll('{fact}', () => fact), threshold, top_k };
  });
};
