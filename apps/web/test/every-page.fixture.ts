// What holds of every page: sound by axe, within its screen, in light and dark, on a desktop and a phone.
import { readdirSync, readFileSync } from 'node:fs';
import { seriousFindings } from './axe.fixture.ts';
import { everyPath, walker } from './every-path.fixture.ts';
import type { Flow } from './scene.fixture.ts';

const folder = new URL('../src/pages/', import.meta.url);

/** The paths of all pages, such as `/jobs/$job`, as their routes have them. */
const routes = readdirSync(folder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .flatMap(({ name }) => [...readFileSync(new URL(`${name}/index.ts`, folder), 'utf8').matchAll(/ path: '([^']+)'/g)])
  .map(([, path]) => path!);

const isAt = (route: string, address: string): boolean =>
  new RegExp(`^${route.replace(/\$\w+/g, '[^/]+')}$`).test(address.replace(/\?.*/, ''));

export const everyPage: Flow = {
  name: 'every page is sound by axe and fits its screen, in light and dark',
  async run({ client, visit, expect }) {
    const paths = await everyPath(client);
    const missed = routes.filter((route) => !paths.some(([, address]) => isAt(route, address)));
    expect({ routes: routes.length > 10, missed }).toEqual({ routes: true, missed: [] });
    const page = await visit('/');
    const walk = walker(page);
    const seen: unknown[] = [];
    for (const [name, path] of paths) {
      await page.emulateMedia({ colorScheme: 'light' });
      await walk(path);
      const light = await seriousFindings(page);
      await page.emulateMedia({ colorScheme: 'dark' });
      // What else there is to find does not change with the light.
      const dark = await seriousFindings(page, ['color-contrast']);
      const wider = await page.evaluate('document.documentElement.scrollWidth - window.innerWidth');
      if (light.length + dark.length + Number(wider) > 0) seen.push({ name, light, dark, wider });
    }
    expect(seen).toEqual([]);
  },
};
