// The client as it is published: built, packed, installed into an empty folder, and used there by plain node, a browser's bundler and the compiler.
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildSdk } from '../scripts/build-sdk.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('..', import.meta.url));
let folder: string;
let home: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'errata-sdk-'));
  home = join(folder, 'home');
  await buildSdk(join(folder, 'package'));
  await run('npm', ['pack', join(folder, 'package'), '--pack-destination', folder], { cwd: folder });
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  await run('mkdir', [home]);
  // Nothing is downloaded: the one dependency is the copy that is here.
  const zod = `file:${join(root, 'node_modules/zod')}`;
  await writeFile(join(home, 'package.json'), JSON.stringify({ type: 'module', overrides: { zod } }));
  const given = ['install', '--offline', '--no-audit', '--no-fund', `../errata-sdk-${version}.tgz`];
  await run('npm', given, { cwd: home });
}, 120_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Runs a program in the empty folder, by plain node and nothing else. */
async function here(program: string, environment: Readonly<Record<string, string>> = {}): Promise<unknown> {
  await writeFile(join(home, 'use.js'), program);
  const env = { PATH: process.env.PATH, ...environment };
  return JSON.parse((await run(process.execPath, ['use.js'], { cwd: home, env })).stdout);
}

test('the package has code, types, README and licence, and no TypeScript', async () => {
  const { stdout } = await run('tar', ['-tzf', (await run('ls', [folder])).stdout.match(/\S+\.tgz/)![0]], {
    cwd: folder,
  });
  const files = stdout
    .trim()
    .split('\n')
    .map((name) => name.replace('package/', ''));
  expect(files).toEqual(expect.arrayContaining(['index.js', 'browser.js', 'README.md', 'LICENSE', 'package.json']));
  expect(files.filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts'))).toEqual([]);
  const code = await readFile(join(home, 'node_modules/@errata/sdk/index.js'), 'utf8');
  expect([...code.matchAll(/from ['"]([^'"]+)['"]/g)].map(([, from]) => from).sort()).toEqual(['node:events']);
});

test('plain node pages, retries with one idempotency key, follows events and reads errors with it', async () => {
  const seen: { method: string; url: string; key: string | undefined }[] = [];
  const problem = (status: number, code: string, retryable: boolean) =>
    JSON.stringify({
      type: 'x',
      title: code,
      status,
      detail: `it is ${code}`,
      code,
      request_id: 'req_7',
      retryable,
      errors: [],
    });
  let breaks = 2;
  const server = createServer((request, response) => {
    const { method = '', url = '', headers } = request;
    seen.push({ method, url, key: headers['idempotency-key'] as string | undefined });
    const answer = (status: number, body: string, type = 'application/json') =>
      response.writeHead(status, { 'content-type': type }).end(body);
    if (url.startsWith('/v1/models/nobody'))
      return answer(404, problem(404, 'unknown_model', false), 'application/problem+json');
    if (method === 'POST') {
      if (breaks-- > 0) return answer(503, problem(503, 'unavailable', true), 'application/problem+json');
      return answer(202, JSON.stringify({ id: 'job_1', state: 'queued' }));
    }
    if (url.includes('/events')) {
      const after = Number(headers['last-event-id']);
      const events = [1, 2, 3].filter((id) => id > after).slice(0, 2);
      const lines = events.map(
        (id) => `id: ${id}\ndata: ${JSON.stringify({ id, state: id === 3 ? 'succeeded' : 'running' })}\n\n`,
      );
      return answer(200, lines.join(''), 'text/event-stream');
    }
    const second = url.includes('after=b');
    return answer(
      200,
      JSON.stringify(
        second
          ? { data: [{ name: 'c' }], has_more: false, next_cursor: null }
          : { data: [{ name: 'a' }, { name: 'b' }], has_more: true, next_cursor: 'b' },
      ),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    const found = await here(
      `import { createErrata, ErrataApiError } from '@errata/sdk';
      const errata = createErrata({ baseUrl: process.env.BASE_URL, apiKey: 'k' });
      const names = [];
      for await (const { name } of errata.models.list()) names.push(name);
      const job = await errata.models.import({ name: 'm', path: '/m' });
      const events = [];
      for await (const { id, state } of errata.jobs.events(job.id)) events.push([id, state]);
      const error = await errata.models.get('nobody').catch((thrown) => thrown);
      const { code, requestId, status, retryable } = error;
      console.log(JSON.stringify({ names, job, events, error: { code, requestId, status, retryable, typed: error instanceof ErrataApiError } }));`,
      { BASE_URL: baseUrl },
    );
    expect(found).toEqual({
      names: ['a', 'b', 'c'],
      job: { id: 'job_1', state: 'queued' },
      events: [
        [1, 'running'],
        [2, 'running'],
        [3, 'succeeded'],
      ],
      error: { code: 'unknown_model', requestId: 'req_7', status: 404, retryable: false, typed: true },
    });
    const keys = seen.flatMap(({ method, key }) => (method === 'POST' ? [key] : []));
    expect(keys).toHaveLength(3);
    expect(new Set(keys).size).toBe(1);
    expect(keys[0]).toBeTruthy();
  } finally {
    server.close();
  }
});

test('a bundler for browsers takes it without a module of Node', async () => {
  const { outputFiles } = await build({
    stdin: { contents: `export { createErrata } from '@errata/sdk'`, resolveDir: home },
    bundle: true,
    platform: 'browser',
    format: 'esm',
    write: false,
    logLevel: 'silent',
  });
  expect(outputFiles[0]!.text).not.toMatch(/node:/);
});

test('the compiler knows its types', async () => {
  const use = join(home, 'use.ts');
  await writeFile(
    use,
    `import { createErrata, type ErrataClient, type ErrataApiError } from '@errata/sdk';
    const errata: ErrataClient = createErrata({ baseUrl: 'http://127.0.0.1', apiKey: 'k' });
    const id: string = (await errata.jobs.get('job_1')).id;
    // @ts-expect-error: there is no such state
    const wrong: 'baked' = (await errata.jobs.get(id)).state;
    // @ts-expect-error: there is no such form
    await errata.versions.export(id, { form: 'pickle' });
    export const request = (error: ErrataApiError): string | null => error.requestId;
    void wrong;`,
  );
  const options = [
    '--noEmit',
    '--strict',
    '--module',
    'nodenext',
    '--target',
    'es2022',
    '--lib',
    'es2023,dom,dom.iterable',
    '--types',
    '',
  ];
  const compiled = await run(join(root, 'node_modules/.bin/tsc'), [...options, use], { cwd: home }).catch(
    (error) => error,
  );
  expect(compiled.stdout).toBe('');
});
