// `npm run screenshots -w apps/web -- FOLDER`: every page in light and dark, on a desktop and a phone, as PNGs to be looked at.
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { devices } from './devices.fixture.ts';
import { everyPath, walker } from './every-path.fixture.ts';
import { openStack } from './stack.fixture.ts';
import { tellStory } from './story.fixture.ts';

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('where to? npm run screenshots -w apps/web -- FOLDER');
mkdirSync(folder, { recursive: true });

const stack = await openStack();
try {
  await tellStory(stack);
  const paths = await everyPath(stack.client);
  for (const { name: device, options } of devices) {
    const context = await stack.browser.newContext({ baseURL: stack.url, storageState: stack.signedIn, ...options });
    const page = await context.newPage();
    await page.goto('/');
    const walk = walker(page);
    for (const [name, path] of paths) {
      await walk(path);
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        await page.screenshot({ path: join(resolve(folder), `${name}-${device}-${colorScheme}.png`), fullPage: true });
      }
    }
    await context.close();
  }
} finally {
  await stack.close();
}
