// The dashboard as it was built: every file in memory, and packed as browsers take it.
import { readdir, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface BuiltFile {
  readonly type: string;
  /** By content encoding; `identity` is the file itself. */
  readonly bodies: { readonly identity: Buffer; readonly br?: Buffer; readonly gzip?: Buffer };
}

export interface Dashboard {
  readonly page: BuiltFile;
  /** By name, which holds a digest of the content. */
  readonly assets: ReadonlyMap<string, BuiltFile>;
}

/** Where `npm run build -w apps/web` leaves it. */
export const builtDashboard = fileURLToPath(new URL('../../../web/dist', import.meta.url));

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Reads what was built; undefined where nothing was. */
export async function readDashboard(folder: string): Promise<Dashboard | undefined> {
  const names = await readdir(join(folder, 'assets')).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    return undefined;
  });
  if (names === undefined) return undefined;
  const there = new Set(names);
  const readFiles = async (path: string, packed: (ending: string) => boolean): Promise<BuiltFile> => {
    const read = (ending: string) => (packed(ending) ? readFile(join(folder, path + ending)) : undefined);
    const [identity, br, gzip] = await Promise.all([readFile(join(folder, path)), read('.br'), read('.gz')]);
    const type = types[extname(path)] ?? 'application/octet-stream';
    return { type, bodies: { identity, ...(br && { br }), ...(gzip && { gzip }) } };
  };
  const assets = names
    .filter((name) => !/\.(br|gz)$/.test(name))
    .map(async (name) => [name, await readFiles(`assets/${name}`, (ending) => there.has(name + ending))] as const);
  return { page: await readFiles('index.html', () => false), assets: new Map(await Promise.all(assets)) };
}
