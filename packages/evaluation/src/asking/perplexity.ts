// Held text for perplexity: the cheapest witness of damage that no probe was written for.
import { type FileHandle, open as openFile } from 'node:fs/promises';
import { ErrataError, sha256 } from '@errata/contracts';
import { requireRegularFile } from '@errata/host';
import type { Tokenizer, View } from '@errata/models';

/** Tokens read unless told otherwise. Both versions read the same ones, so that their ratio is known better than either. */
export const defaultPerplexityTokens = 2048;

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
    requireRegularFile(path);
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

const measured = new WeakMap<View, Map<string, number>>();

/** Perplexity of a version, measured once: it is a parent's now and was a candidate's one job ago. */
export async function perplexityOf(view: View, ids: readonly number[]): Promise<number> {
  const known = measured.get(view) ?? new Map<string, number>();
  measured.set(view, known);
  const key = sha256(new Uint8Array(Int32Array.from(ids).buffer));
  const value = known.get(key) ?? (await view.perplexity(ids)).perplexity;
  known.set(key, value);
  // JSON has no infinity: a model so broken that its perplexity is not a number has the largest there is.
  return Number.isFinite(value) ? value : Number.MAX_VALUE;
}
