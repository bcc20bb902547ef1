// Builds the client of the API as the package that people install: plain JavaScript for Node and browsers, types, README: `npm run build:sdk [-- DIR]`.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const inRoot = (...parts: string[]) => join(root, ...parts);
const readJson = (path: string) => JSON.parse(readFileSync(inRoot(path), 'utf8'));

/** Where each build of the code is, by whom it is for. */
const builds = { node: 'index.js', browser: 'browser.js' } as const;

/** @param into a directory that is made anew */
export async function buildSdk(into: string): Promise<void> {
  rmSync(into, { recursive: true, force: true });
  mkdirSync(into, { recursive: true });
  for (const [platform, file] of Object.entries(builds))
    await build({
      entryPoints: [inRoot('packages/sdk/src/index.ts')],
      bundle: true,
      format: 'esm',
      platform: platform as keyof typeof builds,
      target: 'es2022',
      // Types are made of its schemas; nothing of it runs.
      external: ['zod'],
      outfile: join(into, file),
    });
  writeTypes(join(into, 'types'));
  cpSync(inRoot('packages/sdk/README.md'), join(into, 'README.md'));
  cpSync(inRoot('LICENSE'), join(into, 'LICENSE'));
  writeFileSync(join(into, 'package.json'), `${JSON.stringify(manifest(), null, 2)}\n`);
}

/** What npm needs to know; the versions are those that the project itself is built with. */
function manifest() {
  const { version, license, engines } = readJson('package.json');
  const { zod } = readJson('packages/contracts/package.json').dependencies;
  const types = './types/sdk/src/index.d.ts';
  return {
    name: '@errata/sdk',
    version,
    description: 'Client of the Errata API: versioned, gated, reversible knowledge editing of language models.',
    license,
    type: 'module',
    sideEffects: false,
    engines,
    exports: { '.': { types, browser: `./${builds.browser}`, default: `./${builds.node}` } },
    types,
    files: [...Object.values(builds), 'types'],
    dependencies: { zod },
  };
}

/** The declarations of the client and of the contracts that it speaks in, which is no package of its own there. */
function writeTypes(into: string): void {
  const folder = mkdtempSync(join(tmpdir(), 'errata-sdk-types-'));
  try {
    const config = join(folder, 'tsconfig.json');
    const compilerOptions = {
      ...{ noEmit: false, declaration: true, emitDeclarationOnly: true },
      ...{ rootDir: inRoot('packages'), outDir: into, typeRoots: [inRoot('node_modules/@types')] },
      // Found as a package it would be taken for somebody else's, of which no declarations are written.
      paths: { '@errata/contracts': [inRoot('packages/contracts/src/index.ts')] },
    };
    const files = [inRoot('packages/sdk/src/index.ts')];
    writeFileSync(config, JSON.stringify({ extends: inRoot('tsconfig.json'), compilerOptions, files, include: [] }));
    execFileSync(inRoot('node_modules/.bin/tsc'), ['-p', config], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  for (const name of readdirSync(into, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.d.ts')) continue;
    const path = join(into, name);
    const contracts = relative(dirname(path), join(into, 'contracts/src/index.js'));
    const text = readFileSync(path, 'utf8')
      .replaceAll(/(?<=from '[^']+)\.ts(?=')|(?<=from "[^"]+)\.ts(?=")|(?<=import\("[^"]+)\.ts(?="\))/g, '.js')
      .replaceAll(/(['"])@errata\/contracts\1/g, `'${contracts}'`);
    writeFileSync(path, text);
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const into = resolve(process.argv[2] ?? inRoot('packages/sdk/dist'));
  await buildSdk(into);
  console.log(`The package is in ${into}: npm publish it, or npm pack it`);
}
