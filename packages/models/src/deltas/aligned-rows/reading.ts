// Aligned rows as they are read: a prompt like those of rows is answered behind their texts by the version under their alignment, and every other by the version as it is.

import { decodeChange } from '../change-file.ts';
import type { Contents } from '../contents.ts';
import { chosenRows, promptText, type Similar } from '../prompt-texts.ts';
import type { AnsweringVersion, AnswerReading, Patch } from '../reading.ts';
import { indexOf } from '../text-rows/changed-rows.ts';
import { similarRows } from '../text-rows/similarity.ts';
import { type AlignedRow, tellRow } from './rows.ts';

/** An alignment that lies among contents. @throws ModelError content_*, delta_malformed */
const heldAlignment = (contents: Contents, sha256: string): Promise<Patch> =>
  contents.get(sha256, (bytes) => decodeChange(bytes, `artefact ${sha256}`).deltas);

/** How aligned rows are read. Of several alignments that of the most similar row has its texts alone. */
export function alignedReading(rows: readonly AlignedRow[]): AnswerReading {
  const chosenFor = (prompt: readonly number[], version: AnsweringVersion) => {
    const text = promptText(prompt, version, 'memory of texts with an alignment');
    // An index finds the rows that it was made of.
    const chosen = chosenRows(similarRows(indexOf(rows), text) as readonly Similar<AlignedRow>[]);
    const best = chosen.at(-1);
    return best && { best, texts: chosen.filter(({ row }) => row.alignment === best.row.alignment) };
  };
  return {
    at: 'answer',
    standIn: async (prompt, version) => {
      const found = chosenFor(prompt, version);
      if (found === undefined) return null;
      const { prefixIds, encode } = version.tokenizer!;
      const start = prefixIds.every((id, at) => prompt[at] === id) ? prefixIds.length : 0;
      const front = encode(found.texts.map(({ row }) => row.text).join(''));
      return {
        prompt: [...prompt.slice(0, start), ...front, ...prompt.slice(start)],
        by: version.patched(await heldAlignment(version.contents, found.best.row.alignment)),
      };
    },
    speaking: async (prompt, version) => {
      const found = chosenFor(prompt, version);
      if (found === undefined) return null;
      const { row, similarity } = found.best;
      return { row: tellRow(row), score: similarity, threshold: row.threshold };
    },
  };
}
