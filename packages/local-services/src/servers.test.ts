// Private servers: nobody else can reach them, what a dead starter left is ended and its data kept, a start that is broken off leaves nothing.
import { spawn } from 'node:child_process';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, describe, expect, test } from 'vitest';
import { findRedisServer, freePort, isAlive, startPostgres, startRedis } from './index.ts';
import { ownFolder, standIn } from './private-folder.ts';

const folder = await mkdtemp(join(tmpdir(), 'errata-servers-'));
await chmod(folder, 0o711); // PostgreSQL may have to run as another user
afterAll(() => rm(folder, { recursive: true, force: true }));

const query = async (url: string, sql: string) => {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
};

describe('PostgreSQL', () => {
  const dataDir = join(folder, 'postgres');
  const pidFile = async () => (await readFile(join(dataDir, 'postmaster.pid'), 'utf8')).split('\n');

  test('listens on a socket in a folder that others cannot enter, and on no port', async () => {
    const server = await startPostgres({ dataDir, durable: false });
    expect((await stat(dataDir)).mode & 0o777).toBe(0o700);
    expect(await query(server.url, 'SHOW listen_addresses')).toEqual([{ listen_addresses: '' }]);
    await query(server.url, 'CREATE TABLE kept AS SELECT 1 AS one');
    await server.stop();
    expect(await readdir(folder)).toEqual(['postgres']);
  });

  test('a server that was left behind, as earlier builds ran it on a port, is ended, and its data are there', async () => {
    const first = await startPostgres({ dataDir, durable: false });
    const command = (await readFile(`/proc/${(await pidFile())[0]}/cmdline`, 'utf8').catch(() => '')).split('\0');
    await first.stop();
    if (command.length < 2) return; // only where the system says how it was called
    const port = await freePort();
    const owner = await stat(dataDir);
    const flags = ['listen_addresses=127.0.0.1', `port=${port}`, 'unix_socket_directories='];
    const left = spawn(command[0]!, ['-D', dataDir, ...flags.flatMap((flag) => ['-c', flag])], {
      ...(process.getuid?.() === 0 ? { uid: owner.uid, gid: owner.gid } : {}),
      detached: true,
      stdio: 'ignore',
    });
    const onPort = `postgres://postgres:errata@127.0.0.1:${port}/postgres`;
    await expect.poll(() => query(onPort, 'SELECT 1').catch(() => []), { timeout: 60_000 }).toHaveLength(1);

    const server = await startPostgres({ dataDir, durable: false });
    expect(isAlive(left.pid!) && left.exitCode === null && left.signalCode === null).toBe(false);
    expect(await query(server.url, 'SELECT one FROM kept')).toEqual([{ one: 1 }]);
    await server.stop();
  });

  test('a number that another process has got meanwhile keeps nobody from starting, and does that process no harm', async () => {
    const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    await writeFile(join(dataDir, 'postmaster.pid'), `${other.pid}\n${dataDir}\n1\n5432\n\n\n0 0\nready\n`);
    const server = await startPostgres({ dataDir, durable: false });
    expect(await query(server.url, 'SELECT one FROM kept')).toEqual([{ one: 1 }]);
    await server.stop();
    expect(other.exitCode ?? other.signalCode).toBe(null);
    other.kill('SIGKILL');
  });

  test('a start that is broken off leaves no process and nothing that looks like a cluster', async () => {
    const fresh = join(folder, 'fresh');
    const enough = new AbortController();
    const starting = startPostgres({ dataDir: fresh, signal: enough.signal });
    setTimeout(() => enough.abort(new Error('enough')), 150);
    await expect(starting).rejects.toThrow('enough');
    expect((await readdir(folder)).filter((name) => name.startsWith('fresh'))).toEqual([]);
  });

  test('where its path is too long for a socket, that is in another folder of its own', async () => {
    const long = join(folder, 'x'.repeat(100));
    const server = await startPostgres({ dataDir: long, durable: false });
    expect(await query(server.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    const sockets = decodeURIComponent(new URL(server.url).hostname);
    expect((await stat(sockets)).mode & 0o777).toBe(0o700);
    await server.stop();
    await expect(stat(sockets)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

test('a folder in a place that is open to all is taken only from its owner', async () => {
  expect(standIn('/a')).not.toBe(standIn('/b'));
  const path = join(folder, 'own');
  await ownFolder(path);
  await ownFolder(path);
  expect((await stat(path)).mode & 0o777).toBe(0o700);
  await writeFile(join(folder, 'file'), '');
  await expect(ownFolder(join(folder, 'file'))).rejects.toThrow('not ours');
  const { uid, gid } = await stat(path);
  await expect(ownFolder(path, 0o700, { uid: uid + 1, gid })).rejects.toThrow('not ours');
});

const binary = await findRedisServer();

describe.skipIf(binary === undefined)('Redis', () => {
  test('is in a folder that others cannot enter, and one that was left behind is ended', async () => {
    const dataDir = join(folder, 'redis');
    const left = await startRedis({ binary: binary!, dataDir });
    expect((await stat(dataDir)).mode & 0o777).toBe(0o700);
    const server = await startRedis({ binary: binary!, dataDir });
    expect(await left.ended).toBe('exit code 0');
    expect(server.url).toBe(left.url);
    await server.stop();
  });
});
