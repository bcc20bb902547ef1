// Pages while the service is away, and when it is back.
import { childrenOf } from '../../../test/support/processes.ts';
import type { Scene } from './scene.fixture.ts';

/** @param scenes of one stack, all of which lose it at once */
export async function serviceAway(scenes: readonly Scene[]): Promise<void> {
  const pages = await Promise.all(scenes.map(({ visit }) => visit('/jobs')));
  const everywhere = (see: (page: (typeof pages)[number]) => Promise<unknown>) => Promise.all(pages.map(see));
  await everywhere((page) => page.getByRole('link', { name: 'import atlas' }).waitFor());
  const { pid } = scenes[0]!;
  const api = (await childrenOf(pid)).find(({ command }) => command.includes('api.js'));
  for (const { forgive } of scenes) forgive(/ERR_(CONNECTION_REFUSED|EMPTY_RESPONSE|CONNECTION_RESET)|status of 503/);
  // Nobody starts it again until whoever does goes on.
  process.kill(pid, 'SIGSTOP');
  process.kill(api!.pid, 'SIGKILL');
  await everywhere((page) => page.getByText('The service is not ready').waitFor());
  process.kill(pid, 'SIGCONT');
  await everywhere(async (page) => {
    await page.getByText('The service is not ready').waitFor({ state: 'detached' });
    await page.getByLabel('Kind').selectOption('import');
    await page.getByRole('link', { name: 'import atlas' }).waitFor();
  });
}
