// What serves, and where else an edit belongs: an alias put on a version and back, an edit made again on another branch.
import { seriousFindings } from '../axe.fixture.ts';
import { type Flow, jobEnds } from '../scene.fixture.ts';
import { edit } from './terbium.fixture.ts';

export const naming: Flow = {
  name: 'an alias is moved to a version and put back by its name, and its edit is made on another branch',
  async run({ branch, visit, client, device, go, expect }) {
    const [from, onto] = [await branch('served'), await branch('another')];
    const { head: imported } = await client.branches.get('atlas', from);
    const { id } = await client.editJobs.create({ model: 'atlas', branch: from, edits: [edit] });
    const edited = (await client.jobs.wait(id)).version_id!;
    const alias = `production-${device.name}`;
    await client.aliases.set('atlas', alias, { version: imported });
    const page = await visit(`/versions/${edited}?branch=${from}`);
    await page.getByRole('button', { name: 'Measure' }).click();
    await page.getByRole('table').getByText(/%/).first().waitFor();
    await page.getByRole('button', { name: 'Name it' }).click();
    await page.getByLabel('Name', { exact: true }).fill(alias);
    expect(await seriousFindings(page)).toEqual([]);
    await page.getByRole('button', { name: 'Put the alias here' }).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect((await client.aliases.get('atlas', alias)).version_id).toBe(edited);

    await go('/names');
    await page
      .getByRole('article')
      .filter({ hasText: alias })
      .getByRole('button', { name: /^Back to/ })
      .click();
    await page.getByLabel('Reason').fill('it was wrong');
    await page.getByLabel(`Type ${alias} to go on`).fill(alias);
    await page.getByRole('button', { name: `Put ${alias} back` }).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect((await client.aliases.get('atlas', alias)).version_id).toBe(imported);

    await go(`/versions/${edited}?branch=${from}`);
    await page.getByRole('button', { name: 'Make its edits elsewhere' }).click();
    const sheet = page.getByRole('dialog');
    await sheet.getByLabel('Branch').selectOption(onto);
    await sheet.getByText(edit.prompt).waitFor();
    expect(await seriousFindings(page)).toEqual([]);
    await sheet.getByRole('button', { name: `Make them on ${onto}` }).click();
    await jobEnds(page, 'succeeded');
    expect((await client.branches.get('atlas', onto)).head).toBe(edited);
  },
};
