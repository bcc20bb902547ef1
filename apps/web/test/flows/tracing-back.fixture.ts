// Tracing back: from a wrong answer to the edit that made it, and the version before.
import { seriousFindings } from '../axe.fixture.ts';
import { type Flow, jobEnds } from '../scene.fixture.ts';
import { edit, prompt } from './terbium.fixture.ts';

export const tracingBack: Flow = {
  name: 'why an answer is wrong, the version that made it so, and the branch set back',
  async run({ branch, visit, client, hands: { press, write }, go, expect }) {
    const traced = await branch('traced');
    const { head: imported } = await client.branches.get('atlas', traced);
    const { id } = await client.editJobs.create({ model: 'atlas', branch: traced, edits: [edit] });
    expect(await client.jobs.wait(id)).toMatchObject({ state: 'succeeded' });

    const page = await visit(`/why?branch=${traced}&prompt=${encodeURIComponent(prompt)}`);
    await press(page.getByRole('button', { name: 'Which edit made this answer?' }));
    await page.getByText('made it.').waitFor();
    expect(await page.getByRole('row', { name: /before/ }).textContent()).toContain('65');
    expect(await page.getByRole('row', { name: /after/ }).textContent()).toContain('61');

    await press(page.getByRole('button', { name: `Take back: ${prompt} 61` }));
    const alone = page.getByRole('dialog', { name: `Take this edit back from ${traced}?` });
    await alone.getByText(`${traced} goes back to ver_`).waitFor();
    await alone.getByText('what it left (1 dense) is left out').waitFor();
    await page.keyboard.press('Escape');
    await alone.waitFor({ state: 'detached' });
    await write(page.getByLabel('The right answer'), '65');
    await press(page.getByRole('button', { name: 'Since when is it wrong?' }));
    await page.getByText('Since move 2').waitFor();
    expect(await page.getByText('Right before,').textContent()).toContain('answered 65');

    await go('/edits');
    await write(page.getByLabel('Words'), 'nobody wrote this');
    await page.keyboard.press('Enter');
    await page.getByText('No edit says').waitFor();
    await write(page.getByLabel('Words'), 'TERBIUM');
    await page.keyboard.press('Enter');
    await page.getByRole('list', { name: 'Edits' }).getByText(traced).waitFor();
    await write(page.getByLabel('By', { exact: true }), 'nobody');
    await page.keyboard.press('Enter');
    await page.getByText('No edit says “TERBIUM” and is by nobody').waitFor();
    await write(page.getByLabel('By', { exact: true }), 'LOCAL stack');
    await page.keyboard.press('Enter');
    await page.getByRole('list', { name: 'Edits' }).getByRole('link', { name: 'local stack' }).first().waitFor();

    await go(`/history?branch=${traced}`);
    const moves = page.getByRole('main').getByRole('listitem');
    await moves.getByText(`${prompt} 61`).waitFor();
    expect(await moves.count()).toBe(2);
    await press(page.getByRole('link', { name: 'All versions' }));
    await page.getByText('the imported model').waitFor();

    await go(`/versions/${imported}?branch=${traced}`);
    await press(page.getByRole('button', { name: `Set ${traced} back to it` }));
    const sheet = page.getByRole('dialog');
    await sheet.getByText(`${prompt} 61`).waitFor();
    expect(await seriousFindings(page)).toEqual([]);
    await write(sheet.getByLabel('Reason'), 'it was right before');
    const name = sheet.getByLabel(`Type ${traced} to go on`);
    await write(name, traced.slice(1));
    expect(await sheet.getByRole('button', { name: `Set ${traced} back` }).isEnabled()).toBe(false);
    await write(name, traced);
    await page.keyboard.press('Enter');
    await jobEnds(page, 'succeeded');
    expect((await client.branches.get('atlas', traced)).head).toBe(imported);
  },
};
