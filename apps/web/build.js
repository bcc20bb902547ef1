// Builds the dashboard into dist/, packed as it is served, unless that was done since its sources last changed. It runs before anything is translated.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = fileURLToPath(new URL('../..', import.meta.url));
const built = join(here, 'dist');
const stamp = join(built, 'sources.txt');

/** Builds what is absent or older than its sources. */
export async function build() {
  const digest = digestOf(sources());
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return;
  const vite = await import('vite');
  // Nobody is served half of it.
  const unfinished = `${built}.${process.pid}`;
  // Whoever builds, a test too: what libraries say to their developers is left out.
  const { NODE_ENV } = process.env;
  process.env.NODE_ENV = 'production';
  try {
    await vite.build({ configFile: join(here, 'vite.config.ts'), logLevel: 'warn', build: { outDir: unfinished } });
  } finally {
    if (NODE_ENV === undefined) delete process.env.NODE_ENV;
    else process.env.NODE_ENV = NODE_ENV;
  }
  pack(join(unfinished, 'assets'));
  writeFileSync(join(unfinished, 'sources.txt'), digest);
  rmSync(built, { recursive: true, force: true });
  renameSync(unfinished, built);
}

function pack(folder) {
  for (const name of readdirSync(folder)) {
    const file = join(folder, name);
    const content = readFileSync(file);
    const params = { [constants.BROTLI_PARAM_SIZE_HINT]: content.length };
    writeFileSync(`${file}.br`, brotliCompressSync(content, { params }));
    writeFileSync(`${file}.gz`, gzipSync(content, { level: 9 }));
  }
}

function sources() {
  const within = (folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((path) => /\.(tsx?|css|svg)$/.test(path) && !path.includes('.test.'))
      .map((path) => join(folder, path));
  const ours = ['packages/contracts', 'packages/sdk', 'packages/editors', 'packages/evaluation', 'apps/web'].map(
    (name) => join(root, name, 'src'),
  );
  const beside = ['index.html', 'build.js', 'vite.config.ts'].map((name) => join(here, name));
  return [join(root, 'package-lock.json'), ...beside, ...ours.flatMap(within)];
}

/** Told from times and sizes. */
function digestOf(paths) {
  const digest = createHash('sha256');
  for (const path of paths) {
    const { mtimeMs, size } = statSync(path);
    digest.update(`${relative(root, path)} ${mtimeMs} ${size}\n`);
  }
  return digest.digest('hex');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await build();
