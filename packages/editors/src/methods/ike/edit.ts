// IKE: an edit leaves its correction behind demonstrations of what one changes and what it leaves alone, which are put in front of prompts.
import { builder } from '../../artefacts/demonstrations/build.ts';
import { demonstrationsNeed } from '../../artefacts/demonstrations/request.ts';
import type { Editor } from '../../editor.ts';
import { requireTokenizer } from '../../texts/tokenizer.ts';
import { writeTextRows } from '../write-text-rows.ts';
import { frontOf, openPool } from './demonstrate.ts';
import type { IkeSettings } from './settings.ts';

export const edit: Editor<IkeSettings> = async (input, options) => {
  const { config, artefacts, view } = input;
  const pool = openPool(requireTokenizer(input), await artefacts.read(builder, demonstrationsNeed));
  const longest = Math.floor(config.context_share * view.spec.context);
  return writeTextRows(input, options, (tokenizer, edit) => {
    const { prompt, subject = '' } = edit;
    return {
      prompt,
      subject,
      text: frontOf(tokenizer, pool, edit, config, longest),
      threshold: config.threshold,
      top_k: 1,
    };
  });
};
