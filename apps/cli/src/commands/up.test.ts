// errata up, as a person runs it: whole stacks on a database that is given, one too many of them, one without a port.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { createTestDatabase } from '../../../../test/support/database.ts';

const bin = fileURLToPath(new URL('../../bin/errata.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'errata-up-'));
const database = await createTestDatabase();
const env = { ...process.env, NO_COLOR: '1', DATABASE_URL: database.url, QUEUE_URL: database.url };
afterAll(async () => {
  await database.drop();
  rmSync(folder, { recursive: true, force: true });
});

const commandLine = (data: string, port: number) =>
  ['up', '--workers', '0', '--port', String(port), '--data', data] as const;

/** Runs a stack that is not to come up. */
const refused = (data: string, port = 0): Promise<{ code: unknown; stdout: string; stderr: string }> =>
  new Promise((resolve) => {
    execFile(process.execPath, [bin, ...commandLine(data, port)], { env }, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, stdout, stderr }),
    );
  });

/** Starts a stack and waits until it says that it is up. */
async function up(data: string): Promise<{ url: string; key: string; child: ChildProcess }> {
  const child = spawn(process.execPath, [bin, ...commandLine(data, 0)], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  for await (const chunk of child.stdout) {
    said += chunk;
    if (said.includes('Ctrl-C')) break;
  }
  const { url, api_key: key } = JSON.parse(readFileSync(join(data, 'connection.json'), 'utf8'));
  return { url, key, child };
}

test('a data directory has one stack: a second is refused and harms nothing, and what a dead one left is taken over', async () => {
  const data = join(folder, 'data');
  mkdirSync(data);
  const gone = spawn(process.execPath, ['-e', '']);
  await new Promise((resolve) => gone.once('exit', resolve));
  writeFileSync(join(data, 'stack.lock'), JSON.stringify({ pid: gone.pid, url: 'http://127.0.0.1:1' }));

  const { url, key, child } = await up(data);
  const second = await refused(data);
  expect(second).toMatchObject({ code: 1, stdout: '' });
  expect(second.stderr).toContain(`error data_dir_in_use already running at ${url} (pid ${child.pid}, as `);
  expect(existsSync(join(data, 'connection.json'))).toBe(true);
  const models = await fetch(`${url}/v1/models`, { headers: { authorization: `Bearer ${key}` } });
  expect(models.status).toBe(200);

  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  expect(await ended).toBe(0);
  expect(readdirSync(data).filter((name) => name.includes('.'))).toEqual([]);
});

test('a port that another service has is refused at once, though that one answers as if it were ready', async () => {
  const other = createServer((_, response) => response.end('{"status":"ready"}'));
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as AddressInfo;
  const data = join(folder, 'taken');
  const { code, stdout, stderr } = await refused(data, port);
  other.close();
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toContain(`error cannot_listen the API cannot listen on 127.0.0.1:${port}: another program listens`);
  expect(readdirSync(data)).toEqual(['api-key', 'logs']);
  expect(readFileSync(join(data, 'logs', 'api.log'), 'utf8')).not.toMatch(/EADDRINUSE|restart/);
});
