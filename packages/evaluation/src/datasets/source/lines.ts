// The lines of a JSONL file, one at a time.
import { textPieces, unreadable } from './text.ts';

/** Longer lines are taken for a file without lines. In characters. */
const longestLine = 64 * 1024 * 1024;

/** Lines that are not blank, without their ends. Errors as {@link textPieces}. */
export async function* lines(file: string): AsyncGenerator<string, void, undefined> {
  let open = '';
  for await (const piece of textPieces(file)) {
    const parts = (open + piece).split('\n');
    open = parts.pop()!;
    for (const line of parts) if (line.trim() !== '') yield line.trimEnd();
    if (open.length > longestLine) unreadable(file, 'has a line of more than 64 MB');
  }
  if (open.trim() !== '') yield open.trimEnd();
}
