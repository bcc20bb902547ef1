// The raw queue as Bull Board shows it, to be looked at and not touched: its page, its files, and what its page asks for.
import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';

type Server = Parameters<typeof createBullBoard>[0]['serverAdapter'];
type ApiRoutes = Parameters<Server['setApiRoutes']>[0];
type EntryRoute = Parameters<Server['setEntryRoute']>[0];

export interface BoardAnswer {
  readonly status: number;
  readonly body: unknown;
}

export interface Board {
  /** The page, whose links begin with this path. It runs no script but its own files, and asks nobody else for anything. */
  page(basePath: string): Promise<string>;
  /** A file of the page, by its path below `static/`; null where there is none. */
  file(path: string): Promise<Buffer | null>;
  /** What the page asks for, by a path that begins with `/api/`; null where there is no such thing. */
  answer(path: string, query: Readonly<Record<string, unknown>>): Promise<BoardAnswer | null>;
}

export interface BoardOptions {
  readonly title: string;
  /** The way back, and what it is called. */
  readonly back: { readonly text: string; readonly url: string };
}

/** @param queue a queue of BullMQ, whatever its backend */
export async function openBoard(queue: object, { title, back }: BoardOptions): Promise<Board> {
  const found = createRequire(import.meta.url).resolve('@bull-board/ui/package.json');
  const files = join(dirname(found), 'dist');
  const adapter = new BullMQAdapter(queue as ConstructorParameters<typeof BullMQAdapter>[0], {
    readOnlyMode: true,
    allowRetries: false,
  });
  let uiConfig: Parameters<Server['setUIConfig']>[0] = {};
  let queues: Parameters<Server['setQueues']>[0] = new Map();
  let entry: EntryRoute | undefined;
  let routes: ApiRoutes = [];
  let explain: Parameters<Server['setErrorHandler']>[0] = () => ({ status: 500, body: {} });
  const server: Server = {
    setQueues: (given) => {
      queues = given;
      return server;
    },
    setUIConfig: (given) => {
      uiConfig = given;
      return server;
    },
    setEntryRoute: (given) => {
      entry = given;
      return server;
    },
    setApiRoutes: (given) => {
      routes = given;
      return server;
    },
    setErrorHandler: (given) => {
      explain = given;
      return server;
    },
    setViewsPath: () => server,
    setStaticPath: () => server,
  };
  createBullBoard({
    queues: [adapter],
    serverAdapter: server,
    options: {
      uiBasePath: dirname(found),
      uiConfig: { boardTitle: title, hideDocsLink: true, miscLinks: [back], locale: { lng: 'en-US' } },
    },
  });
  // What changes anything is left out as a whole: wake-ups are made anew from the database, and nobody needs to mend them.
  const patterns = routes
    .filter(({ method }) => [method].flat().includes('get'))
    .flatMap(({ route, handler }) => [route].flat().map((each) => ({ pieces: each.split('/'), handler })));
  const names = await readdir(join(files, 'static'), { recursive: true, withFileTypes: true });
  const known = new Map(
    names
      .filter((each) => each.isFile())
      .map(({ parentPath, name }) => join(parentPath, name))
      .map((path) => [path.slice(join(files, 'static').length + 1).replaceAll('\\', '/'), path]),
  );
  return {
    async page(basePath) {
      const { name, params } = entry!.handler({ basePath, uiConfig });
      const text = await readFile(join(files, name), 'utf8');
      return text
        .replaceAll(/<link href="https:[^>]*>/g, '')
        .replaceAll(/<%([=-]) (\w+) %>/g, (_, how: string, key: string) =>
          how === '-' ? (params[key] ?? '') : escaped(params[key] ?? ''),
        );
    },
    async file(path) {
      const place = known.get(path);
      return place === undefined ? null : readFile(place);
    },
    async answer(path, query) {
      const pieces = path.split('/');
      for (const pattern of patterns) {
        const params = fitted(pattern.pieces, pieces);
        if (params === null) continue;
        try {
          const asked = { queues, uiConfig, params, query, body: {}, headers: {} };
          const { status = 200, body } = await pattern.handler(asked);
          return { status, body };
        } catch (error) {
          const { status = 500, body } = explain(error as Error);
          return { status, body };
        }
      }
      return null;
    },
  };
}

/** What the parameters of a pattern stand for; null where it does not fit. */
function fitted(pattern: readonly string[], pieces: readonly string[]): Record<string, string> | null {
  if (pattern.length !== pieces.length) return null;
  const params: Record<string, string> = {};
  for (const [index, piece] of pattern.entries()) {
    if (piece.startsWith(':')) params[piece.slice(1)] = pieces[index]!;
    else if (piece !== pieces[index]) return null;
  }
  return params;
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
