// The whole stack with the shipped model, and a browser before it, as a person has them.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createErrata, type ErrataClient } from '@errata/sdk';
import { type Browser, type BrowserContextOptions, chromium } from 'playwright-core';
import { findBrowser } from '../../../test/support/browser.ts';
import { admitTo } from '../../../test/support/people.ts';
import { build } from '../build.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const errata = join(root, 'apps/cli/bin/errata.js');

type SignedIn = NonNullable<BrowserContextOptions['storageState']>;

export interface Stack {
  readonly url: string;
  /** With every scope. */
  readonly client: ErrataClient;
  readonly key: string;
  /** Of the process that keeps the others. */
  readonly pid: number;
  readonly browser: Browser;
  /** The cookie of a session with every scope. */
  readonly signedIn: SignedIn;
  /** Lets somebody in for whom a provider vouches, with the roles that it says; answers with their id. */
  admit(name: string, roles: Parameters<typeof admitTo>[2]): Promise<string>;
  /** Runs a command of the errata command line against the stack; what it printed. */
  command(...args: readonly string[]): Promise<string>;
  close(): Promise<void>;
}

/**
 * Starts it, with the shipped model imported as `atlas`.
 * @param more settings of the service, such as a database that is there; without, it has all of its own
 */
export async function openStack(more: NodeJS.ProcessEnv = {}): Promise<Stack> {
  await build();
  const data = mkdtempSync(join(tmpdir(), 'errata-web-'));
  const env = { ...process.env, NO_COLOR: '1', ...more, ERRATA_DATA_DIR: data };
  const child = spawn(process.execPath, [errata, 'up', '--port', '0', '--json'], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const launched = chromium.launch({ executablePath: findBrowser()!, args: ['--no-sandbox'] });
  const close = async () => {
    await launched.then(
      (browser) => browser.close(),
      () => undefined,
    );
    const exited = new Promise((resolve) => child.once('exit', resolve));
    if (child.exitCode === null && child.kill('SIGTERM')) await exited;
    rmSync(data, { recursive: true, force: true });
  };
  try {
    const { url, api_key: key } = JSON.parse(await firstLine(child)) as { url: string; api_key: string };
    const client = createErrata({ baseUrl: url, apiKey: key });
    const imported = await client.models.import({ name: 'atlas', path: join(root, 'models/atlas') });
    const browser = await launched;
    const [{ state }, signedIn] = await Promise.all([client.jobs.wait(imported.id), signIn(browser, url, key)]);
    if (state !== 'succeeded') throw new Error(`the import ended as ${state}`);
    const command = (...args: readonly string[]) =>
      firstLine(spawn(process.execPath, [errata, ...args], { env, stdio: ['ignore', 'pipe', 'inherit'] }));
    const { database_url } = JSON.parse(readFileSync(join(data, 'connection.json'), 'utf8')) as {
      readonly database_url: string;
    };
    const admit = (name: string, roles: Parameters<typeof admitTo>[2]) => admitTo(database_url, name, roles);
    return { url, client, key, pid: child.pid!, browser, signedIn, admit, command, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function signIn(browser: Browser, url: string, api_key: string): Promise<SignedIn> {
  const context = await browser.newContext({ baseURL: url });
  await context.request.post('/v1/session', { data: { api_key } });
  const state = await context.storageState();
  await context.close();
  return state;
}

async function firstLine(child: ChildProcess): Promise<string> {
  let said = '';
  for await (const chunk of child.stdout!) {
    said += chunk;
    if (said.includes('\n')) break;
  }
  return said.slice(0, said.indexOf('\n'));
}
