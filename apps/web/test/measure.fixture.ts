// `npm run measure -w apps/web`: what the first page takes, and how smoothly a hundred thousand edits and ten thousand versions scroll.
// It starts a stack of its own. Times are of this machine under its load; work is processor time of the page's main thread, which load changes less.
import { mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPostgres } from '@errata/local-services';
import type { CDPSession, Page } from 'playwright-core';
import { createDatabaseAt } from '../../../test/support/database.ts';
import { longHistory } from './long-history.fixture.ts';
import { openStack, type Stack } from './stack.fixture.ts';

const [loads, frames] = [9, 300];
const viewport = { width: 1280, height: 800 };
const quantile = (values: readonly number[], share: number): number =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(share * values.length))]!;
const ms = (value: number): string => `${value.toFixed(1)} ms`;
const report = (name: string, told: string) => console.log(`${name.padEnd(34)} ${told}`);

/** Milliseconds since the navigation began at which the heading stood, and nothing long ran any more. */
const untilReady = `new Promise((resolve) => {
  let busyUntil = 0;
  new PerformanceObserver((list) => {
    for (const { startTime, duration } of list.getEntries()) busyUntil = Math.max(busyUntil, startTime + duration);
  }).observe({ type: 'longtask', buffered: true });
  const look = () => {
    if (document.querySelector('#main h1') === null) return requestAnimationFrame(look);
    const shown = performance.now();
    setTimeout(() => resolve(Math.max(shown, busyUntil)), 500);
  };
  look();
})`;

async function firstPage({ browser, url, signedIn }: Stack): Promise<void> {
  const [times, sizes]: number[][] = [[], []];
  for (let load = 0; load < loads; load += 1) {
    const context = await browser.newContext({ baseURL: url, storageState: signedIn, viewport });
    const page = await context.newPage();
    const network = await context.newCDPSession(page);
    await network.send('Network.enable');
    let size = 0;
    network.on('Network.loadingFinished', ({ encodedDataLength }) => {
      size += encodedDataLength;
    });
    await page.goto('/', { waitUntil: 'commit' });
    times!.push(Number(await page.evaluate(untilReady)));
    sizes!.push(size);
    await context.close();
  }
  report('first page, over the network', `${(quantile(sizes!, 0.5) / 1000).toFixed(0)} kB, with what the API answers`);
  report('until it can be worked', `median ${ms(quantile(times!, 0.5))}, least ${ms(Math.min(...times!))}`);
}

/** Scrolls by a steady hand, and says how long frames took, and how much work they were. */
async function scroll(name: string, page: Page, by: number): Promise<void> {
  const session: CDPSession = await page.context().newCDPSession(page);
  await session.send('Performance.enable', { timeDomain: 'threadTicks' });
  const work = async () => {
    const { metrics } = await session.send('Performance.getMetrics');
    return 1000 * metrics.find((metric) => metric.name === 'TaskDuration')!.value;
  };
  const before = await work();
  const took = (await page.evaluate(`new Promise((resolve) => {
    const took = [];
    let last = performance.now();
    const step = (now) => {
      took.push(now - last);
      last = now;
      scrollBy(0, ${by});
      if (took.length < ${frames}) requestAnimationFrame(step);
      else resolve(took.slice(1));
    };
    requestAnimationFrame(step);
  })`)) as number[];
  const late = took.filter((time) => time > 34).length;
  report(
    name,
    `frame median ${ms(quantile(took, 0.5))}, 95th percentile ${ms(quantile(took, 0.95))}, longest ${ms(Math.max(...took))}; ` +
      `${late} of ${took.length} late by a frame or more; ${ms(((await work()) - before) / took.length)} of work a frame`,
  );
  await session.detach();
}

/** Scrolls to the end of what has come, until so many rows have. */
async function readRows(page: Page, rows: number): Promise<void> {
  await page.evaluate(`new Promise((resolve) => {
    const step = () => {
      const last = [...document.querySelectorAll('#main li[aria-posinset]')].at(-1);
      if (Number(last?.getAttribute('aria-posinset')) >= ${rows}) return resolve();
      scrollTo(0, document.documentElement.scrollHeight);
      setTimeout(step, 20);
    };
    step();
  })`);
}

const folder = await mkdtemp(join(tmpdir(), 'errata-measure-'));
const postgres = await startPostgres({ dataDir: join(folder, 'postgres'), durable: false });
const database = await createDatabaseAt(postgres.url);
const stack = await openStack({ DATABASE_URL: database.url, QUEUE_URL: database.url });
try {
  report('load of the machine', loadavg()[0]!.toFixed(1));
  await firstPage(stack);
  const { id, model_id, head } = await stack.client.branches.get('atlas', 'main');
  await database.query(longHistory(id, model_id, head));
  const context = await stack.browser.newContext({ baseURL: stack.url, storageState: stack.signedIn, viewport });
  context.setDefaultTimeout(600_000);
  const page = await context.newPage();
  await page.goto('/edits?model=atlas');
  await page.getByRole('listitem').first().waitFor();
  await scroll('100,000 edits, from the top', page, 40);
  await readRows(page, 20_000);
  await page.evaluate('scrollTo(0, 0)');
  await scroll('20,000 of them read, fast', page, 400);
  await page.goto('/history?model=atlas&view=versions');
  await page.getByRole('listitem').first().waitFor();
  await scroll('10,000 versions, from the top', page, 40);
  await readRows(page, 10_000);
  await scroll('all of them read, up again', page, -40);
  await scroll('the same, fast', page, -400);
  report('load of the machine', loadavg()[0]!.toFixed(1));
} finally {
  await stack.close();
  await database.drop();
  await postgres.stop();
  await rm(folder, { recursive: true, force: true });
}
