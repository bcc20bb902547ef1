// Long lists: a hundred thousand edits and ten thousand versions, of which only what is looked at stands in the page.
import { type Flow, patiently } from './scene.fixture.ts';

export const scale: Flow['run'] = async ({ visit, go, expect }) => {
  const page = await visit('/edits?model=atlas');
  const listed = () => page.getByRole('main').getByRole('listitem').count();
  const goDown = async (label: string, rows: number) => {
    const list = page.getByRole('list', { name: label });
    const last = async () => Number(await list.getByRole('listitem').last().getAttribute('aria-posinset'));
    await list.getByRole('listitem').first().waitFor();
    for (let at = await last(); at <= rows; at = await last()) {
      await page.evaluate('window.scrollTo(0, document.documentElement.scrollHeight)');
      await expect.poll(last, patiently).toBeGreaterThan(at);
    }
  };
  await goDown('Edits', 500);
  expect(await listed()).toBeLessThan(100);
  await page.getByText('Fact number 99').first().waitFor();
  await go('/history?view=versions');
  await goDown('Versions', 500);
  expect(await listed()).toBeLessThan(100);
};
