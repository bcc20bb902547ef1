// A page while the service is away, and when it is back.
import { childrenOf } from '../../../test/support/processes.ts';
import type { Flow } from './scene.fixture.ts';

export const serviceAway: Flow['run'] = async ({ visit, pid, forgive }) => {
  const page = await visit('/jobs');
  await page.getByRole('link', { name: 'import atlas' }).waitFor();
  const api = (await childrenOf(pid)).find(({ command }) => command.includes('api.js'));
  // Nobody starts it again until whoever does goes on.
  process.kill(pid, 'SIGSTOP');
  forgive(/ERR_(CONNECTION_REFUSED|EMPTY_RESPONSE|CONNECTION_RESET)|status of 503/);
  process.kill(api!.pid, 'SIGKILL');
  await page.getByText('The service is not ready').waitFor();
  process.kill(pid, 'SIGCONT');
  await page.getByText('The service is not ready').waitFor({ state: 'detached' });
  await page.getByLabel('Kind').selectOption('import');
  await page.getByRole('link', { name: 'import atlas' }).waitFor();
};
