// What a person does on one device: pages of the stack that complain of nothing, and hands that work them.
import type { ErrataClient } from '@errata/sdk';
import type { BrowserContextOptions, ConsoleMessage, Locator, Page } from 'playwright-core';
import type { ExpectStatic } from 'vitest';
import type { Device } from './devices.fixture.ts';
import { goTo } from './go-to.fixture.ts';
import type { Stack } from './stack.fixture.ts';

type BranchRequest = Parameters<ErrataClient['branches']['create']>[1];

/** How somebody works a page. */
export interface Hands {
  press(what: Locator): Promise<void>;
  write(where: Locator, text: string): Promise<void>;
}

const byTouch: Hands = {
  press: (what) => what.tap(),
  write: (where, text) => where.fill(text),
};

/** On from where the focus is, as far as it takes; fails where the keyboard does not come. */
async function tabTo(what: Locator): Promise<void> {
  for (let tabs = 0; tabs < 100; tabs += 1) {
    if (await what.evaluate((one) => one.matches(':focus'))) return;
    await what.page().keyboard.press('Tab');
  }
  throw new Error(`the keyboard does not come to ${what}`);
}

const byKeyboard: Hands = {
  async press(what) {
    await tabTo(what);
    await what.page().keyboard.press('Enter');
  },
  async write(where, text) {
    await tabTo(where);
    await where.page().keyboard.press('Control+A');
    await where.page().keyboard.type(text);
  },
};

/** Milliseconds. Of waits for what comes, however long a loaded machine takes for it. */
export const patiently = { timeout: 120_000 };

/** A browser on a device, signed in with every scope: its page is taken by one flow after another. */
export interface Seat {
  readonly device: Device;
  readonly page: Page;
}

const enter = async ({ browser, url }: Stack, { options }: Device, more: BrowserContextOptions = {}) => {
  const context = await browser.newContext({ baseURL: url, ...options, ...more });
  context.setDefaultTimeout(patiently.timeout);
  return context.newPage();
};

export const takeSeat = async (stack: Stack, device: Device): Promise<Seat> => ({
  device,
  page: await enter(stack, device, { storageState: stack.signedIn }),
});

export interface Scene extends Omit<Stack, 'close'> {
  readonly device: Device;
  /** By keyboard alone where there is one, for the flows that need no mouse. */
  readonly hands: Hands;
  /** Of the test that runs: several run side by side. */
  readonly expect: ExpectStatic;
  /** A branch of atlas that nobody else has, with an editor that needs no second moments, which take a minute to measure. */
  branch(name: string, options?: Omit<BranchRequest, 'name'>): Promise<string>;
  /** Opens the page of the seat anew at an address. */
  visit(path: string): Promise<Page>;
  /** The same in a browser that nobody has signed in with. */
  visitUnknown(path: string): Promise<Page>;
  /** Goes to another page from the one that is there, as by a link. */
  go(path: string): Promise<void>;
  /** Waits for the browser to have told of a refusal by the service, which is no fault of the page. */
  refusal(status: number): Promise<void>;
  /** What the browser tells is expected from now on. */
  forgive(complaint: RegExp): void;
}

export interface Flow {
  /** What is done. */
  readonly name: string;
  readonly run: (scene: Scene) => Promise<void>;
}

/** Runs a flow at a seat. Whatever a browser writes on its console as an error, or a page throws, fails it. */
export async function play(
  run: Flow['run'],
  stack: Stack,
  { device, page: own }: Seat,
  expect: ExpectStatic,
): Promise<void> {
  const complaints: string[] = [];
  const forgiven: RegExp[] = [];
  const unknown: Page[] = [];
  const hear = (message: ConsoleMessage) => {
    if (message.type() === 'error') complaints.push(`${message.text()} ${message.location().url}`);
  };
  const hearThrown = (error: Error) => complaints.push(String(error));
  const listen = (page: Page) => page.on('console', hear).on('pageerror', hearThrown);
  listen(own);
  const scene: Scene = {
    ...stack,
    device,
    hands: device.name === 'desktop' ? byKeyboard : byTouch,
    expect,
    async branch(name, options) {
      const ours = `${name}-${device.name}`;
      await stack.client.branches.create('atlas', { name: ours, default_editor: 'ft-m', ...options });
      return ours;
    },
    async visit(path) {
      await own.goto(path);
      return own;
    },
    async visitUnknown(path) {
      const page = await enter(stack, device);
      unknown.push(page);
      listen(page);
      await page.goto(path);
      return page;
    },
    go: (path) => goTo(own, path),
    async refusal(status) {
      await expect.poll(() => complaints, patiently).toEqual([expect.stringContaining(`status of ${status}`)]);
      complaints.splice(0);
    },
    forgive: (complaint) => void forgiven.push(complaint),
  };
  try {
    await run(scene);
    expect(complaints.filter((complaint) => !forgiven.some((each) => each.test(complaint)))).toEqual([]);
  } finally {
    own.off('console', hear).off('pageerror', hearThrown);
    for (const page of unknown) await page.context().close();
  }
}

/** Waits for the job of a page to end in a state. */
export const jobEnds = (page: Page, state: string) =>
  page.locator('h1 + .badge').getByText(state, { exact: true }).waitFor();
