// The whole stack with the shipped model, and a browser before it, as a person has them.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createErrata, type ErrataClient } from '@errata/sdk';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { expect } from 'vitest';
import { findBrowser } from '../../../test/support/browser.ts';
import { createTestDatabase } from '../../../test/support/database.ts';
import { build } from '../build.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const errata = join(root, 'apps/cli/bin/errata.js');
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true } as const;

export interface Stack {
  readonly url: string;
  /** With every scope. */
  readonly client: ErrataClient;
  readonly key: string;
  /** Of the process that keeps the others. */
  readonly pid: number;
  /** Asks the database of the stack. */
  query(sql: string): Promise<unknown>;
  /** Runs a command of the errata command line against the stack; what it printed. */
  command(...args: readonly string[]): Promise<string>;
  /** A page of a browser of its own, which complains of nothing: {@link Visit.complaints} has what it did. */
  visit(options?: BrowserContextOptions): Promise<Visit>;
  /** The same, signed in with every scope, at a path. */
  signedIn(path: string, options?: BrowserContextOptions): Promise<Visit>;
  close(): Promise<void>;
}

export interface Visit {
  readonly page: Page;
  /** What the browser wrote on its console as an error, and what was thrown. */
  readonly complaints: string[];
}

export async function openStack(): Promise<Stack> {
  await build();
  const database = await createTestDatabase();
  const data = mkdtempSync(join(tmpdir(), 'errata-web-'));
  const env = {
    ...process.env,
    NO_COLOR: '1',
    DATABASE_URL: database.url,
    QUEUE_URL: database.url,
    ERRATA_DATA_DIR: data,
  };
  const child = spawn(process.execPath, [errata, 'up', '--port', '0', '--json'], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const { url, api_key: key } = JSON.parse(await firstLine(child)) as { url: string; api_key: string };
  const client = createErrata({ baseUrl: url, apiKey: key });
  const imported = await client.models.import({ name: 'atlas', path: join(root, 'models/atlas') });
  expect(await client.jobs.wait(imported.id)).toMatchObject({ state: 'succeeded' });
  const browser: Browser = await chromium.launch({ executablePath: findBrowser()!, args: ['--no-sandbox'] });
  const visit = async (options: BrowserContextOptions = {}): Promise<Visit> => {
    const context = await browser.newContext({ baseURL: url, ...options });
    context.setDefaultTimeout(30_000);
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(String(error)));
    return { page, complaints };
  };
  return {
    url,
    client,
    key,
    pid: child.pid!,
    query: (sql) => database.query(sql),
    command: (...args) =>
      firstLine(spawn(process.execPath, [errata, ...args], { env, stdio: ['ignore', 'pipe', 'inherit'] })),
    visit,
    async signedIn(path, options) {
      const visited = await visit(options);
      await visited.page.goto(path);
      await visited.page.getByLabel('API key').fill(key);
      await visited.page.keyboard.press('Enter');
      await visited.page.locator('#main').waitFor();
      return visited;
    },
    async close() {
      await browser.close();
      const exited = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await exited;
      await database.drop();
      rmSync(data, { recursive: true, force: true });
    },
  };
}

async function firstLine(child: ChildProcess): Promise<string> {
  let said = '';
  for await (const chunk of child.stdout!) {
    said += chunk;
    if (said.includes('\n')) break;
  }
  return said.slice(0, said.indexOf('\n'));
}

/** What axe finds serious in a page as it is, by rule and place. */
export async function seriousFindings(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  return page.evaluate(async () => {
    // biome-ignore lint/suspicious/noExplicitAny: axe lies in the page, of whose types nothing is known here
    const { violations } = await (globalThis as any).axe.run();
    return violations
      .filter(({ impact }: { impact: string }) => impact === 'serious' || impact === 'critical')
      .flatMap(({ id, nodes }: { id: string; nodes: { target: string[]; failureSummary: string }[] }) =>
        nodes.map(({ target, failureSummary }) => `${id} at ${target.join(' ')}: ${failureSummary}`),
      );
  });
}

/** Waits for the job of a page to end in a state. */
export const jobEnds = (page: Page, state: string) =>
  page.locator('h1 + .badge').getByText(state, { exact: true }).waitFor({ timeout: 60_000 });
