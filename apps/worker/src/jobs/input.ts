// A job's input as it was stored: checked once more, since another build may have written it.
import { ErrataError } from '@errata/contracts';
import type { z } from 'zod';

/** @throws ErrataError `invalid_request` naming the field */
export function readInput<T extends z.ZodType>(
  schema: T,
  job: { readonly id: string; readonly input: Readonly<Record<string, unknown>> },
): z.output<T> {
  const parsed = schema.safeParse(job.input);
  if (parsed.success) return parsed.data;
  const errors = parsed.error.issues.map((issue) => ({
    code: 'invalid_request' as const,
    field: issue.path.join('.'),
    message: `${issue.path.join('.')}: ${issue.message}`,
  }));
  const list = errors.map(({ message }) => message).join('; ');
  throw new ErrataError('invalid_request', `the input of ${job.id} cannot be read: ${list}`, { errors });
}
