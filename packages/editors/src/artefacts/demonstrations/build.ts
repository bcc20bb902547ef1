// Reads demonstrations out of a file of edits, or takes those that the model brought along.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { type Edit, ErrataError, editSchema, sayIssue } from '@errata/contracts';
import { requireRegularFile } from '@errata/host';
import type { ArtefactBuilder, BuildInput } from '../builder.ts';
import { type Demonstration, decodeDemonstrations, encodeDemonstrations } from './demonstrations.ts';
import type { DemonstrationFields } from './request.ts';

export const builder: ArtefactBuilder<readonly Demonstration[]> = {
  async parameters(needs, input) {
    const { bytes } = await sourceOf(input);
    const data = createHash('sha256').update(bytes).digest('hex');
    return needs.map(() => ({ data }));
  },

  async build(needs, input) {
    const { bytes, where } = await sourceOf(input);
    const { demonstrations, leftOut } = demonstrationsIn(new TextDecoder().decode(bytes), where);
    const built = {
      bytes: encodeDemonstrations(demonstrations),
      details: { demonstrations: demonstrations.length, left_out: leftOut },
    };
    return needs.map(() => built);
  },

  decode: decodeDemonstrations,
};

/** The file of edits, and what to call it. @throws ErrataError `artefact_missing` where there is none; `invalid_edits` where it cannot be read */
async function sourceOf({
  request,
  brought,
}: BuildInput): Promise<{ readonly bytes: Uint8Array; readonly where: string }> {
  const { data }: DemonstrationFields = request;
  if (data !== undefined) return { bytes: await readData(data), where: data };
  const bytes = await brought('demonstrations');
  if (bytes !== undefined) return { bytes, where: 'the demonstrations that the model brought along' };
  throw new ErrataError(
    'artefact_missing',
    'the editor shows the model other edits, and this model brought none along. Give a file of some that have rephrases and locality probes: errata artefact build MODEL --kind demonstrations --data FILE, or name it beforehand in errata.json: "artefacts": { "demonstrations": FILE }',
    { details: { kind: 'demonstrations' } },
  );
}

async function readData(path: string): Promise<Uint8Array> {
  try {
    requireRegularFile(path);
    return await readFile(path);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ErrataError('invalid_edits', `the edits to demonstrate, ${path}, cannot be read: ${reason}`, { cause });
  }
}

/** Edits that say of themselves what they change and what they leave alone. @throws ErrataError `invalid_edits` naming the line */
function demonstrationsIn(text: string, where: string): { demonstrations: readonly Demonstration[]; leftOut: number } {
  const edits = text
    .split('\n')
    .flatMap((line, index) => (line.trim() === '' ? [] : [parseEdit(line, `${where}, line ${index + 1}`)]));
  const demonstrations = edits.flatMap((edit) => demonstrationOf(edit) ?? []);
  if (demonstrations.length === 0)
    throw new ErrataError(
      'invalid_edits',
      `${where}: none of ${edits.length} edits has both a rephrasing and a locality probe with its target`,
    );
  return { demonstrations, leftOut: edits.length - demonstrations.length };
}

function parseEdit(line: string, where: string): Edit {
  const refuse = (what: string): never => {
    throw new ErrataError('invalid_edits', `${where}: ${what}`);
  };
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch {
    return refuse('is not JSON; each line is one edit');
  }
  const parsed = editSchema.safeParse(json);
  if (!parsed.success) return refuse(sayIssue(parsed.error.issues[0]!, json));
  const { subject, prompt } = parsed.data;
  return { ...parsed.data, prompt: subject === undefined ? prompt : prompt.replaceAll('{}', () => subject) };
}

function demonstrationOf({ prompt, subject = '', target_new, rephrases, locality }: Edit): Demonstration | undefined {
  // Probes that have the edit's statement in them would show it where it is not to be shown.
  const probes = Object.entries(locality).flatMap(([kind, some = []]) => (kind === 'distracting' ? [] : some));
  const neighbours = probes.flatMap(({ prompt: query, target }) =>
    target === undefined ? [] : [{ prompt: query, target }],
  );
  if (rephrases.length === 0 || neighbours.length === 0) return undefined;
  return { prompt, subject, target_new, rephrases, neighbours };
}
