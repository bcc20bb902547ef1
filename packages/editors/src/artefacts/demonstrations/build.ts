// Reads demonstrations out of a file of edits, or takes those that the model brought along.
import { createHash } from 'node:crypto';
import { type Edit, ErrataError } from '@errata/contracts';
import type { ArtefactBuilder, BuildInput } from '../builder.ts';
import { editsIn, readEditsFile } from '../edits-file.ts';
import { type Demonstration, decodeDemonstrations, encodeDemonstrations } from './demonstrations.ts';
import type { DemonstrationFields } from './request.ts';

export const builder: ArtefactBuilder<readonly Demonstration[]> = {
  async parameters(needs, input) {
    const { bytes } = await sourceOf(input);
    const data = createHash('sha256').update(bytes).digest('hex');
    return needs.map(() => ({ data }));
  },

  async *build(needs, input) {
    const { bytes, where } = await sourceOf(input);
    const { demonstrations, leftOut } = demonstrationsIn(bytes, where);
    const built = {
      bytes: encodeDemonstrations(demonstrations),
      details: { demonstrations: demonstrations.length, left_out: leftOut },
    };
    yield* needs.map(() => built);
  },

  decode: decodeDemonstrations,
};

/** The file of edits, and what to call it. @throws ErrataError `artefact_missing` where there is none; `invalid_edits` where it cannot be read */
async function sourceOf({
  request,
  brought,
}: BuildInput): Promise<{ readonly bytes: Uint8Array; readonly where: string }> {
  const { data }: DemonstrationFields = request;
  if (data !== undefined) return { bytes: (await readEditsFile(data, 'to demonstrate')).bytes, where: data };
  const bytes = await brought('demonstrations');
  if (bytes !== undefined) return { bytes, where: 'the demonstrations that the model brought along' };
  throw new ErrataError(
    'artefact_missing',
    'the editor shows the model other edits, and this model brought none along. Give a file of some that have rephrases and locality probes: errata artefact build MODEL --kind demonstrations --data FILE, or name it beforehand in errata.json: "artefacts": { "demonstrations": FILE }',
    { details: { kind: 'demonstrations' } },
  );
}

/** Edits that say of themselves what they change and what they leave alone. @throws ErrataError `invalid_edits` naming the line */
function demonstrationsIn(
  bytes: Uint8Array,
  where: string,
): { demonstrations: readonly Demonstration[]; leftOut: number } {
  const edits = [...editsIn(bytes, where)];
  const demonstrations = edits.flatMap((edit) => demonstrationOf(edit) ?? []);
  if (demonstrations.length === 0)
    throw new ErrataError(
      'invalid_edits',
      `${where}: none of ${edits.length} edits has both a rephrasing and a locality probe with its target`,
    );
  return { demonstrations, leftOut: edits.length - demonstrations.length };
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
