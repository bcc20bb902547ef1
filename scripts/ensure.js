// Makes a fresh clone runnable: installs the packages when they are missing or older than the lock file, and builds programs and dashboard.
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const at = (path) => `${root}/${path}`;

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`Errata needs Node 20.19 or newer; this is ${process.versions.node}.`);
  process.exit(1);
}

const installed = at('node_modules/.package-lock.json');
const current = existsSync(installed) && statSync(installed).mtimeMs >= statSync(at('package-lock.json')).mtimeMs;
if (!current || !existsSync(at('packages/lineage/src/generated/client.ts'))) {
  console.error('Installing packages (once, about a minute)...');
  // npm is a script on Windows, which only a shell can start.
  const npm = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  });
  if (npm.status !== 0) {
    console.error('npm ci failed; see above.');
    process.exit(npm.status ?? 1);
  }
}

const { build } = await import('@errata/programs');
await build();
const dashboard = await import('../apps/web/build.js');
await dashboard.build();
