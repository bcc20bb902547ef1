// Where a name that stands for nothing, or for something that has moved, was in the request.
import { ErrataError, type ErrorCode } from '@errata/contracts';
import type { FastifyRequest } from 'fastify';

/** Fields by what is said of them. */
const blamed: Readonly<Partial<Record<ErrorCode, string>>> = {
  unknown_model: 'model',
  unknown_branch: 'branch',
  unknown_editor: 'editor',
  stale_parent: 'parent_version_id',
};

/** The same failure with the field of the body that it is about, where that can be told. Lines have no place for the fields of a query. */
export function inBody(thrown: unknown, { body, headers }: Pick<FastifyRequest, 'body' | 'headers'>): unknown {
  if (!(thrown instanceof ErrataError) || thrown.errors.length > 0) return thrown;
  const { code, message, details, cause } = thrown;
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return thrown;
  const { version } = details;
  const named = Object.entries(body).find(([, value]) => value === version)?.[0];
  const field = code === 'unknown_version' && typeof version === 'string' ? named : blamed[code];
  if (field === undefined || !(field in body)) return thrown;
  const pointer = /jsonl|ndjson/.test(headers['content-type'] ?? '') ? {} : { pointer: `/${field}` };
  return new ErrataError(code, message, { errors: [{ code, field, ...pointer, message }], details, cause });
}
