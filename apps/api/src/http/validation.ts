// Requests are checked by the schemas that document them; every complaint says where.
import { type Complaint, ErrataError, fieldName, quoted, sayIssue } from '@errata/contracts';
import type { FastifySchemaCompiler } from 'fastify';
import type { z } from 'zod';

const escaped = (key: string) => key.replaceAll('~', '~0').replaceAll('/', '~1');
/** A path into a JSON document as RFC 6901 has it. */
export const pointerOf = (path: readonly PropertyKey[]) => path.map((key) => `/${escaped(fieldName([key]))}`).join('');

/** Complaints told at most, whatever was found: a person mends the first of them. */
export const complaintsShown = 100;

/** The complaints of a failed parse: a JSON pointer for bodies, the bare name for parameters. */
function complaintsOf(error: z.ZodError, part: string, value: unknown): Complaint[] {
  return error.issues.slice(0, complaintsShown).flatMap((issue): Complaint[] => {
    const keys = issue.code === 'unrecognized_keys' ? issue.keys.slice(0, complaintsShown) : [undefined];
    return keys.map((key) => {
      const path = key === undefined ? issue.path : [...issue.path, key];
      return {
        code: 'invalid_request',
        message: key === undefined ? sayIssue(issue, value) : `there is no field ${quoted(key)} here`,
        field: fieldName(path),
        ...(part === 'body' ? { pointer: pointerOf(path) } : {}),
      };
    });
  });
}

const partNames: Readonly<Record<string, string>> = {
  body: 'body',
  querystring: 'query',
  params: 'path',
  headers: 'headers',
};

/** Checks one part of a request. @throws ErrataError `invalid_request` */
export function checkPart<T extends z.ZodType>(schema: T, value: unknown, part: string): z.output<T> {
  const parsed = schema.safeParse(value ?? undefined);
  if (parsed.success) return parsed.data;
  const errors = complaintsOf(parsed.error, part, value);
  const found = parsed.error.issues.length;
  const more = found > errors.length ? `, and ${found - errors.length} more` : '';
  throw new ErrataError('invalid_request', `${partNames[part] ?? part}: ${errors[0]!.message}${more}`, {
    errors: errors.slice(0, complaintsShown),
  });
}

export const validatorCompiler: FastifySchemaCompiler<z.ZodType> =
  ({ schema, httpPart = 'body' }) =>
  (value) => {
    try {
      return { value: checkPart(schema, value, httpPart) };
    } catch (error) {
      return { error: error as Error };
    }
  };
