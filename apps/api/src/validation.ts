// Requests are checked by the schemas that document them; every complaint says where.
import { type Complaint, ErrataError, sayIssue } from '@errata/contracts';
import type { FastifySchemaCompiler } from 'fastify';
import type { z } from 'zod';

const escaped = (key: PropertyKey) => String(key).replaceAll('~', '~0').replaceAll('/', '~1');
const pointerOf = (path: readonly PropertyKey[]) => path.map((key) => `/${escaped(key)}`).join('');

/** The complaints of a failed parse: a JSON pointer for bodies, the bare name for parameters. */
export function complaintsOf(error: z.ZodError, part: string, value: unknown): Complaint[] {
  return error.issues.flatMap((issue): Complaint[] => {
    const keys = issue.code === 'unrecognized_keys' ? issue.keys : [undefined];
    return keys.map((key) => {
      const path = key === undefined ? issue.path : [...issue.path, key];
      const field = path.map(String).join('.');
      return {
        code: 'invalid_request',
        message: key === undefined ? sayIssue(issue, value) : `there is no field ${JSON.stringify(key)} here`,
        field,
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
  throw new ErrataError('invalid_request', `${partNames[part] ?? part}: ${errors[0]!.message}`, { errors });
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
