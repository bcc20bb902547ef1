// Reference texts for cases whose data set brings none: what texts that are written of a subject are held against.
import { type Complaint, ErrataError, withoutNulls } from '@errata/contracts';
import { z } from 'zod';
import type { DatasetCase, References } from './cases.ts';
import { openFile } from './read-dataset.ts';
import { rawRecords } from './source/records.ts';

const texts = z.array(z.string().trim().min(1)).default([]);

const referenceSchema = z.strictObject({
  /** Of the case: the edit's `custom_id` where a record holds one edit. */
  id: z.string().min(1),
  consistency: texts,
  essence: texts,
});

/**
 * Reads reference texts, one JSON object a line or in an array: `id`, `consistency`, `essence`.
 * @throws ErrataError `invalid_request` with every fault of every line; `not_found`, `unreadable_dataset`
 */
export async function readReferences(file: string): Promise<ReadonlyMap<string, References>> {
  const found = new Map<string, References>();
  const faults: Complaint[] = [];
  for await (const raw of rawRecords(file, await openFile(file), () => false)) {
    const fault = (field: string, what: string) =>
      faults.push({ code: 'invalid_request', field, message: `record ${raw.record}: ${what}` });
    // What is not JSON is no object, which the schema says in its own words.
    const parsed = referenceSchema.safeParse(raw.kind === 'value' ? withoutNulls(raw.value) : undefined);
    if (!parsed.success) for (const { path, message } of parsed.error.issues) fault(path.join('.'), message);
    else if (found.has(parsed.data.id)) fault('id', `${JSON.stringify(parsed.data.id)} is there twice`);
    else found.set(parsed.data.id, parsed.data);
  }
  if (faults.length > 0)
    throw new ErrataError('invalid_request', `${file} is not a file of reference texts`, { errors: faults });
  return found;
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
