// Reference texts for cases whose data set brings none: what texts that are written of a subject are held against.
import { type Complaint, ErrataError } from '@errata/contracts';
import { z } from 'zod';
import type { DatasetCase, References } from './cases.ts';
import { lines } from './source/lines.ts';

const texts = z.array(z.string().trim().min(1)).default([]);

const referenceSchema = z.strictObject({
  /** Of the case: the edit's `custom_id` where a record holds one edit. */
  id: z.string().min(1),
  consistency: texts,
  essence: texts,
});

/**
 * Reads reference texts, one JSON object a line: `id`, `consistency`, `essence`.
 * @throws ErrataError `invalid_request` with every fault of every line; `not_found`, `unreadable_dataset`
 */
export async function readReferences(file: string): Promise<ReadonlyMap<string, References>> {
  const found = new Map<string, References>();
  const faults: Complaint[] = [];
  let record = 0;
  const fault = (field: string, what: string) =>
    faults.push({ code: 'invalid_request', field, message: `record ${record}: ${what}` });
  for await (const line of lines(file)) {
    const parsed = referenceSchema.safeParse(parsedLine(line));
    if (!parsed.success) for (const { path, message } of parsed.error.issues) fault(path.join('.'), message);
    else if (found.has(parsed.data.id)) fault('id', `${JSON.stringify(parsed.data.id)} is there twice`);
    else found.set(parsed.data.id, parsed.data);
    record++;
  }
  if (faults.length > 0)
    throw new ErrataError('invalid_request', `${file} is not a file of reference texts`, { errors: faults });
  return found;
}

/** A line that is not JSON is no object, which the schema says in its own words. */
function parsedLine(line: string): unknown {
  try {
    return JSON.parse(line) as unknown;
  } catch {
    return undefined;
  }
}

/** Cases with the references that there are for them, which take the place of their own. */
export const withReferences = (
  cases: readonly DatasetCase[],
  references: ReadonlyMap<string, References>,
): readonly DatasetCase[] =>
  cases.map((each) => {
    const found = references.get(each.id);
    if (found === undefined) return each;
    const { consistency, essence } = found;
    const { prompts, attribute } = each.generation ?? { prompts: [], attribute: [] };
    return { ...each, generation: { prompts, attribute, references: { consistency, essence } } };
  });
