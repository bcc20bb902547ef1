// Held text for perplexity: the cheapest witness of damage that no probe was written for.
import { type FileHandle, open as openFile } from 'node:fs/promises';
import { ErrataError } from '@errata/contracts';
import type { Tokenizer } from '@errata/models';

/** Tokens read unless told otherwise: enough that one version's perplexity is known to a few percent. */
export const defaultPerplexityTokens = 4096;

// No tokenizer in use makes tokens of more characters than this on the mean.
const charactersPerToken = 16;

/**
 * The last tokens of a text: statistics for editors are taken from its beginning, so the end is the part held back. Only so
 * much of the text is tokenised as can be needed; its first line, which the cut may have torn, is left out.
 */
export function heldTokens(tokenizer: Tokenizer, text: string, tokens: number): readonly number[] {
  const tail = text.slice(-charactersPerToken * tokens);
  const whole = tail.length === text.length ? tail : tail.slice(tail.indexOf('\n') + 1);
  return tokenizer.encode(whole).slice(-tokens);
}

/** Bytes that hold the tokens of a perplexity, in any script. */
const heldBytes = 4 * charactersPerToken * defaultPerplexityTokens;

/**
 * The end of a text file, from the beginning of a line: as much as a perplexity needs.
 * @throws ErrataError `corpus_missing`
 */
export async function readHeldText(path: string): Promise<string> {
  let file: FileHandle | undefined;
  try {
    file = await openFile(path, 'r');
    const { size } = await file.stat();
    const length = Math.min(heldBytes, size);
    const tail = Buffer.alloc(length);
    await file.read(tail, 0, length, size - length);
    const text = tail.toString('utf8');
    return length === size ? text : text.slice(text.indexOf('\n') + 1);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ErrataError('corpus_missing', `the text ${path} cannot be read: ${reason}`, { details: { path }, cause });
  } finally {
    await file?.close();
  }
}
