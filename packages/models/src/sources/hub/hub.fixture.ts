// A small hub on loopback: models, revisions, listings and files as the hub serves them, with the ways in which it refuses and breaks off.

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A repository that is served. */
export interface ServedModel {
  readonly files: Readonly<Record<string, Uint8Array>>;
  /** Who has no such token is told that the model is gated. */
  readonly gatedBy?: string;
  /** Answers with a page instead, as something between may do. */
  readonly garbled?: boolean;
  /** States another size, digest or content than it serves. */
  readonly stated?: Readonly<Record<string, { readonly size?: number; readonly sha256?: string }>>;
}

/** What one request was. */
export interface Seen {
  readonly path: string;
  readonly range: string | undefined;
  readonly authorization: string | undefined;
  /** Whether it came to where the hub sends for large files. */
  readonly elsewhere: boolean;
}

export interface SmallHub {
  readonly endpoint: string;
  readonly seen: Seen[];
  /** The next file that has more bytes than that breaks off behind so many. */
  breakOffAfter: number | undefined;
  /** Whether whole files are sent whatever part is asked for. */
  ignoresRanges: boolean;
  readonly commit: string;
  close(): Promise<void>;
}

const commit = 'c0ffee'.padEnd(40, '0');
const digest = (kind: string, ...parts: readonly (string | Uint8Array)[]): string => {
  const hash = createHash(kind);
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
};

async function listen(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<{ server: Server; url: string }> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

/** @param models by `ORG/NAME`; what ends in safetensors or gguf is large, and served from elsewhere */
export async function smallHub(models: Readonly<Record<string, ServedModel>>): Promise<SmallHub> {
  const seen: Seen[] = [];
  const large = (name: string) => /\.(safetensors|gguf|bin)$/.test(name);
  const note = (request: IncomingMessage, elsewhere: boolean) =>
    seen.push({
      path: request.url ?? '',
      range: request.headers.range,
      authorization: request.headers.authorization,
      elsewhere,
    });
  const serve = (request: IncomingMessage, response: ServerResponse, bytes: Uint8Array): void => {
    const range = hub.ignoresRanges ? undefined : request.headers.range;
    const from = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);
    const rest = bytes.subarray(from);
    response.writeHead(range === undefined ? 200 : 206, {
      'content-length': rest.length,
      etag: `"${digest('sha256', bytes)}"`,
    });
    const { breakOffAfter } = hub;
    if (breakOffAfter === undefined || breakOffAfter >= rest.length) return void response.end(rest);
    hub.breakOffAfter = undefined;
    response.write(rest.subarray(0, breakOffAfter), () => response.destroy());
  };
  const files = await listen((request, response) => {
    note(request, true);
    const [, org, name, file] = (request.url ?? '').split('/');
    serve(request, response, models[`${org}/${name}`]!.files[file!]!);
  });
  const main = await listen((request, response) => {
    note(request, false);
    const url = new URL(request.url ?? '', 'http://hub');
    const parts = url.pathname.slice(1).split('/');
    const [org, name] = parts[0] === 'api' ? parts.slice(2, 4) : parts;
    const repository = `${org}/${name}`;
    const refuse = (status: number, code: string) =>
      response.writeHead(status, { 'x-error-code': code, 'content-type': 'application/json' }).end('{"error":"no"}');
    const model = models[repository];
    if (model === undefined) return refuse(401, 'RepoNotFound');
    if (model.gatedBy !== undefined && request.headers.authorization !== `Bearer ${model.gatedBy}`)
      return refuse(request.headers.authorization === undefined ? 401 : 403, 'GatedRepo');
    const json = (value: unknown, headers = {}) =>
      response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value));
    if (model.garbled) return response.writeHead(200, { 'content-type': 'text/html' }).end('<html>');
    if (parts[4] === 'revision') {
      if (!['main', 'v1', commit].includes(decodeURIComponent(parts[5]!))) return refuse(404, 'RevisionNotFound');
      return json({ _id: '1', id: repository, sha: commit, lastModified: '2026-01-01T00:00:00Z' });
    }
    if (parts[4] === 'tree') {
      const entries = Object.entries(model.files).map(([path, bytes]) => {
        const stated = model.stated?.[path];
        const size = stated?.size ?? bytes.length;
        const oid = digest('sha1', `blob ${bytes.length}\0`, bytes);
        const lfs = { oid: stated?.sha256 ?? digest('sha256', bytes), size, pointerSize: 130 };
        return { type: 'file', path, size, oid, ...(large(path) && { lfs }) };
      });
      // In two pages, as long listings are.
      const half = Math.ceil(entries.length / 2);
      if (url.searchParams.has('cursor')) return json(entries.slice(half));
      url.searchParams.set('cursor', '2');
      return json(entries.slice(0, half), { link: `<${main.url}${url.pathname}${url.search}>; rel="next"` });
    }
    const file = decodeURIComponent(parts[4]!);
    const bytes = model.files[file];
    if (parts[2] !== 'resolve' || parts[3] !== commit || bytes === undefined) return refuse(404, 'EntryNotFound');
    if (large(file)) return response.writeHead(302, { location: `${files.url}/${repository}/${file}` }).end();
    return serve(request, response, bytes);
  });
  const hub: SmallHub = {
    endpoint: main.url,
    seen,
    breakOffAfter: undefined,
    ignoresRanges: false,
    commit,
    async close() {
      for (const { server } of [main, files]) {
        server.closeAllConnections();
        await new Promise((closed) => server.close(closed));
      }
    },
  };
  return hub;
}
