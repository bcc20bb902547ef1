// Looking after what is stored: checked as a whole, what could be freed of it, and that freed by its name; and an import that fails.
import { seriousFindings } from '../axe.fixture.ts';
import type { Flow } from '../scene.fixture.ts';

export const upkeep: Flow = {
  name: 'a check says that all is well, a dry run what could go, and an import of nothing why it failed',
  async run({ visit, device, go, expect }) {
    const page = await visit('/');
    if (device.name === 'phone') await page.getByRole('button', { name: 'Menu' }).tap();
    await page.getByRole('link', { name: /^Run it/ }).click();
    await page.getByRole('row', { name: /atlas gpt2/ }).waitFor();
    await page.getByRole('link', { name: 'Storage', exact: true }).click();
    await page.getByRole('button', { name: 'Check everything' }).click();
    await page.getByText('All is well').waitFor();
    await page.getByRole('button', { name: 'What could be collected?' }).click();
    await page.getByText('Would be freed').waitFor();
    await page.getByRole('row', { name: /files of models/ }).waitFor();
    await page.getByRole('button', { name: 'Collect', exact: true }).click();
    const sheet = page.getByRole('dialog', { name: 'Collect from blobs?' });
    // The other device may have collected since this one's dry run.
    await sheet.getByText(/By the dry run|A dry run says beforehand/).waitFor();
    await sheet.getByLabel('Type blobs to go on').fill('blobs');
    await sheet.getByRole('button', { name: 'Collect' }).click();
    await page.getByText('Freed', { exact: true }).waitFor();
    expect(await seriousFindings(page)).toEqual([]);
    await go('/upkeep');
    await page.getByLabel('Name').fill('nothing');
    await page.getByLabel('Where it is').fill('/nowhere/at/all');
    await page.getByRole('button', { name: 'Import', exact: true }).click();
    await page.getByRole('alert').getByText('/nowhere/at/all').waitFor();
  },
};
