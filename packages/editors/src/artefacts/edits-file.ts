// A file of edits that artefacts are built from, one a line, on the machine that builds.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { type Edit, ErrataError, editSchema, sayIssue } from '@errata/contracts';
import { requireRegularFile } from '@errata/host';

export interface EditsFile {
  readonly path: string;
  /** Of its bytes, in hexadecimal. */
  readonly sha256: string;
  readonly bytes: Uint8Array;
}

/**
 * Reads the bytes of such a file.
 * @param purpose what the edits are for, after "the edits"
 * @throws ErrataError `invalid_edits`
 */
export async function readEditsFile(path: string, purpose: string): Promise<EditsFile> {
  try {
    requireRegularFile(path);
    const bytes = await readFile(path);
    return { path, sha256: createHash('sha256').update(bytes).digest('hex'), bytes };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ErrataError('invalid_edits', `the edits ${purpose}, ${path}, cannot be read: ${reason}`, { cause });
  }
}

/**
 * The edits in it, with their subjects where prompts leave room for them.
 * @param where what to call the file
 * @throws ErrataError `invalid_edits` naming the line
 */
export function* editsIn(bytes: Uint8Array, where: string): Generator<Edit> {
  for (const [index, line] of new TextDecoder().decode(bytes).split('\n').entries())
    if (line.trim() !== '') yield parseEdit(line, where, index + 1);
}

function parseEdit(text: string, where: string, line: number): Edit {
  const refuse = (what: string): never => {
    throw new ErrataError('invalid_edits', `${where}, line ${line}: ${what}`, { details: { path: where, line } });
  };
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return refuse('is not JSON; each line is one edit');
  }
  const parsed = editSchema.safeParse(json);
  if (!parsed.success) return refuse(sayIssue(parsed.error.issues[0]!, json));
  const { subject, prompt } = parsed.data;
  return { ...parsed.data, prompt: subject === undefined ? prompt : prompt.replaceAll('{}', () => subject) };
}
