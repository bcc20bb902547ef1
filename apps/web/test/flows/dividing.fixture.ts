// Projects: what one has used of what it may, and who is in it, to whoever may know.
import { seriousFindings } from '../axe.fixture.ts';
import type { Flow } from '../scene.fixture.ts';

export const dividing: Flow = {
  name: 'a project shows what it has used and who is in it, and a person is given another role, removed, and let in again',
  async run({ client, device, visit, visitUnknown, admit, refusal, expect }) {
    const name = `desk-${device.name}-of-the-news-that-came-in-overnight`;
    const person = `Ada on a ${device.name}`;
    await client.projects.create({ name, quotas: { open_jobs: 0, edits_per_day: 500 } });
    const asked = { name: 'wire', scopes: ['models:read' as const], project: name };
    const { token } = await client.keys.create(asked);
    const id = await admit(person, [{ project: name, role: 'editor' }]);

    const page = await visit('/keys');
    await page.getByRole('link', { name: 'Projects', exact: true }).click();
    const row = page.getByRole('row', { name: new RegExp(name) });
    await row.getByText('0 of 500').waitFor();
    expect(await row.getByText('used up').count()).toBe(1);
    await row.getByRole('link', { name }).click();
    const keys = page.getByRole('region', { name: 'Keys' }).getByRole('listitem');
    await keys.getByText('reader', { exact: true }).waitFor();
    const ada = page.getByRole('region', { name: 'People' }).getByRole('listitem').filter({ hasText: person });
    await ada.getByText('as the provider of identities says').waitFor();

    const give = async (role: string) => {
      await ada.getByRole('button', { name: 'Change the role' }).click();
      await page.getByRole('radio', { name: new RegExp(`^${role}`) }).check();
      expect(await seriousFindings(page)).toEqual([]);
      await page.getByRole('button', { name: 'Give the role' }).click();
      await page.getByRole('dialog').waitFor({ state: 'detached' });
    };
    await give('maintainer');
    await ada.getByText('said here; the provider of identities says editor').waitFor();
    const held = async () => (await client.members.list(name, { kind: 'person' }).all()).map(({ role }) => role);
    expect(await held()).toEqual(['maintainer']);
    await ada.getByRole('button', { name: `Remove ${person}` }).click();
    await page.getByRole('button', { name: 'Remove from the project' }).click();
    await ada.getByText('removed', { exact: true }).waitFor();
    expect(await held()).toEqual([null]);
    await give('what the provider of identities says, now editor');
    await ada.getByText('editor', { exact: true }).waitFor();
    expect((await client.audit.list({ subject: id, act: 'member.removed' }).all()).length).toBe(1);

    const other = await visitUnknown(`/projects/${name}`);
    await other.getByLabel('API key').fill(token);
    await other.keyboard.press('Enter');
    await other.getByText('takes the scope admin in it').waitFor();
    await visit('/projects/none');
    await page.getByRole('alert').getByText('There is no project "none"').waitFor();
    await refusal(404);
  },
};
