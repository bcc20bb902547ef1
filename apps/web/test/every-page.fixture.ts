// Every page: sound by axe, within its screen, in light and dark; and while the service is away.
import { expect, test } from 'vitest';
import { childrenOf } from '../../../test/support/processes.ts';
import { phone, type Stack, seriousFindings } from './stack.fixture.ts';

/** What holds of all pages. */
export function everyPage(stack: () => Stack): void {
  test('every page is sound by axe and fits its screen, in light and dark', async () => {
    const [job] = await stack().client.jobs.list({ kind: 'edit', limit: 1 }).all();
    const paths = [
      '/',
      '/ask',
      `/ask?b=main&prompt=Oz`,
      '/correct',
      '/correct?how=many',
      '/judge',
      '/gate',
      '/jobs',
      '/queue',
      '/schedules',
      '/schedules?making=true',
      '/history',
      '/history?view=versions',
      `/versions/${job!.parent_version_id}`,
      '/edits',
      '/why',
      '/names',
      '/compare',
      '/upkeep',
      '/storage',
      '/health',
      '/keys',
      '/webhooks',
      `/jobs/${job!.id}`,
      '/nowhere',
    ];
    for (const [options, colorScheme] of [
      [{}, 'light'],
      [phone, 'dark'],
    ] as const) {
      const { page, complaints } = await stack().signedIn('/', { ...options, colorScheme });
      for (const path of paths) {
        await page.goto(path);
        await page.locator('#main h1, #main h2').first().waitFor();
        const findings = await seriousFindings(page);
        const wider = await page.evaluate('document.documentElement.scrollWidth - window.innerWidth');
        expect({ path, colorScheme, findings, wider }).toEqual({ path, colorScheme, findings: [], wider: 0 });
      }
      expect(complaints).toEqual([]);
    }
  });

  test('a page says when the service is away, and goes on when it is back', async () => {
    const { page } = await stack().signedIn('/jobs');
    await page.getByRole('link', { name: 'import atlas' }).waitFor();
    const api = (await childrenOf(stack().pid)).find(({ command }) => command.includes('api.js'));
    // Nobody starts it again until whoever does goes on.
    process.kill(stack().pid, 'SIGSTOP');
    process.kill(api!.pid, 'SIGKILL');
    await page.getByText('The service is not ready').waitFor({ timeout: 60_000 });
    process.kill(stack().pid, 'SIGCONT');
    await page.getByText('The service is not ready').waitFor({ state: 'detached', timeout: 60_000 });
    await page.getByLabel('Kind').selectOption('import');
    await page.getByRole('link', { name: 'import atlas' }).waitFor();
  });
}
