// Stored JSON, read by the schema that it was written by, or that an earlier or another build wrote it by.
import { ErrataError, storedMetadataSchema } from '@errata/contracts';
import { z } from 'zod';

/**
 * Reads stored JSON. Fields that the schema does not have are left out: an earlier build may have written them. Limits, and rules
 * beyond the shape, are for what comes in: what was stored under others is read. Gates are read by `readGate` instead, since a part
 * of a gate that is not understood must not be passed over.
 * @param what names the record in the complaint
 * @throws ErrataError `unreadable_record` with the field and the rule, for anything else that does not fit
 */
export function readStored<T extends z.ZodType>(schema: T, value: unknown, what: string): z.output<T> {
  for (let given = value; ; ) {
    const parsed = schema.safeParse(given);
    if (parsed.success) return parsed.data;
    const unknown = parsed.error.issues.flatMap((issue) =>
      issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...issue.path, key]) : [],
    );
    if (unknown.length > 0) given = without(given, unknown);
    else if (parsed.error.issues.every(({ code }) => ofTheDoor.includes(code))) return given as z.output<T>;
    else throw unreadable(what, parsed.error);
  }
}

/** The same where there may be nothing. */
export const readStoredOrNull = <T extends z.ZodType>(schema: T, value: unknown, what: string): z.output<T> | null =>
  value === null ? null : readStored(schema, value, what);

const ofTheDoor: readonly string[] = ['too_big', 'too_small', 'custom'];

function without(value: unknown, paths: readonly (readonly PropertyKey[])[]): unknown {
  const copy: unknown = structuredClone(value);
  for (const path of paths) {
    const holder = path
      .slice(0, -1)
      .reduce<unknown>((at, key) => (typeof at === 'object' && at !== null ? Reflect.get(at, key) : undefined), copy);
    if (typeof holder === 'object' && holder !== null) Reflect.deleteProperty(holder, path.at(-1)!);
  }
  return copy;
}

function unreadable(what: string, { issues }: z.ZodError): ErrataError {
  const places = issues.map(({ path, message }) => `${path.map(String).join('.')}: ${message}`);
  return new ErrataError('unreadable_record', `${what} cannot be read: ${places.slice(0, 5).join('; ')}`, {
    details: { fields: issues.map(({ path }) => path.map(String).join('.')).slice(0, 20) },
  });
}

export const readRecord = (value: unknown, what: string): Record<string, unknown> =>
  readStored(recordSchema, value, what);
const recordSchema = z.record(z.string(), z.unknown());

export const readMetadata = (value: unknown, what: string): Record<string, string> =>
  readStored(storedMetadataSchema, value, what);
