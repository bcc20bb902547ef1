// The door: what every request must be before anything is done with it. One place for the texts, sizes and shapes that may come in.
import {
  complainOfShape,
  ErrataError,
  fieldName,
  findUnusableText,
  isUsableText,
  type JsonLimits,
  sha256,
  unusableText,
} from '@errata/contracts';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { pointerOf } from '../http/validation.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** `batch`: edits or cases come in, by the thousand. Other bodies are small. */
    body?: 'batch';
  }
  interface FastifyRequest {
    /** Names the body of a request that came with an `Idempotency-Key`; that of nothing where there was no body. */
    bodyDigest: string;
  }
}

/** Largest body in bytes of a request that brings no batch. */
const smallBodyLimit = 2 * 1024 * 1024;

const smallShape: JsonLimits = { depth: 32, width: 10_000, values: 20_000 };
const batchShape: JsonLimits = { depth: 40, width: 10_000, values: 2_000_000 };

/**
 * Checks addresses and headers as soon as they are there, and bodies before they are parsed.
 * @param batchBodyLimit largest body in bytes of a request that brings a batch
 */
export function registerDoor(app: FastifyInstance, batchBodyLimit: number): void {
  app.decorateRequest('bodyDigest', sha256(''));
  app.addHook('onRoute', (route) => {
    route.bodyLimit = route.config?.body === 'batch' ? batchBodyLimit : Math.min(smallBodyLimit, batchBodyLimit);
  });
  app.addHook('onRequest', async (request) => {
    checkAddress(request.raw.url ?? '');
    for (const [name, value] of Object.entries(request.headers))
      if (![value].flat().every((text) => text === undefined || isUsableText(text))) throw badPart('headers', name);
  });

  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    const json = readText(request, body);
    const limits = request.routeOptions.config.body === 'batch' ? batchShape : smallShape;
    const complaint = complainOfShape(json, limits);
    if (complaint !== null)
      throw new ErrataError('payload_too_large', `body: ${complaint}`, { details: { ...limits } });
    parse(request, json, (error, value) => {
      const path = error === null ? findUnusableText(json, value) : null;
      if (path === null) done(error, value);
      else done(badPart('body', fieldName(path), pointerOf(path)));
    });
  });
}

/** A body as text. @throws ErrataError `invalid_request` where it is not UTF-8 */
export function readText(request: FastifyRequest, body: Buffer): string {
  if (request.headers['idempotency-key'] !== undefined) request.bodyDigest = sha256(body);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    throw new ErrataError('invalid_request', 'body: it is not UTF-8');
  }
}

/** The path and the query as they came: the router would take what it cannot decode for the text itself. */
function checkAddress(address: string): void {
  let text: string;
  try {
    text = decodeURIComponent(address);
  } catch {
    throw new ErrataError(
      'invalid_request',
      'path: a % in the address is not followed by the code of a UTF-8 character',
    );
  }
  if (!isUsableText(text)) throw badPart('path');
}

function badPart(part: 'path' | 'headers' | 'body', field = '', pointer?: string): ErrataError {
  const message = `${field || 'it'} ${unusableText}`;
  const place = pointer === undefined ? {} : { pointer };
  return new ErrataError('invalid_request', `${part}: ${message}`, {
    errors: [{ code: 'invalid_request', field, ...place, message }],
  });
}
