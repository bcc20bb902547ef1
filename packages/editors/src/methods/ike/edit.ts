// IKE: an edit leaves its correction behind demonstrations of what one changes and what it leaves alone, which are put in front of prompts.
import { builder } from '../../artefacts/demonstrations/build.ts';
import { demonstrationsNeed } from '../../artefacts/demonstrations/request.ts';
import type { Editor } from '../../editor.ts';
import { requireTokenizer } from '../../texts/tokenizer.ts';
import { wordsWriter } from '../row-writers.ts';
import { writeRows } from '../write-rows.ts';
import { frontOf, openPool } from './demonstrate.ts';
import type { IkeSettings } from './settings.ts';

export const edit: Editor<IkeSettings> = async (input, options) => {
  const { config, artefacts, view } = input;
  const pool = openPool(requireTokenizer(input), await artefacts.read(builder, demonstrationsNeed));
  const longest = Math.floor(config.context_share * view.spec.context);
  const writer = wordsWriter((tokenizer, edit) => {
    const { prompt, subject = '' } = edit;
    const text = frontOf(tokenizer, pool, edit, config, longest);
    return { prompt, subject, text, threshold: config.threshold, top_k: 1 };
  });
  return writeRows(input, options, writer);
};
