// Tracing back: what moved a branch, why an answer is what it is, and the way back; and looking after what is stored.
import { beforeAll, expect, test } from 'vitest';
import { phone, type Stack, seriousFindings } from './stack.fixture.ts';

/** From an answer to the edit that made it, and the version before. */
export function tracingBack(stack: () => Stack): void {
  let imported: string;
  beforeAll(async () => {
    imported = (await stack().client.branches.get('atlas', 'main')).head;
    const { id } = await stack().client.editJobs.create({
      model: 'atlas',
      editor: 'ft-m',
      edits: [
        { custom_id: '1', prompt: "Hunger's author is", subject: 'Hunger', target_new: 'Sophocles', rephrases: [] },
      ],
    });
    expect(await stack().client.jobs.wait(id)).toMatchObject({ state: 'succeeded' });
  });

  test('why an answer is wrong, the version that made it so, and the branch set back by keyboard alone', async () => {
    const { page, complaints } = await stack().signedIn('/');
    await page.goto("/why?prompt=Hunger's author is");
    await page.getByRole('button', { name: 'Which edit made this answer?' }).click();
    await page.getByText('made it.').waitFor();
    expect(await page.getByRole('row', { name: /before/ }).textContent()).toContain('Knut Hamsun');
    expect(await page.getByRole('row', { name: /after/ }).textContent()).toContain('Sophocles');
    expect(await seriousFindings(page)).toEqual([]);

    await page.getByRole('button', { name: "Take back: Hunger's author is Sophocles" }).click();
    const alone = page.getByRole('dialog', { name: 'Take this edit back from main?' });
    await alone.getByText('main goes back to ver_').waitFor();
    await alone.getByText('what it left (1 dense) is left out').waitFor();
    await page.keyboard.press('Escape');
    await page.getByLabel('The right answer').fill('Knut Hamsun');
    await page.getByRole('button', { name: 'Since when is it wrong?' }).click();
    await page.getByText('Since move 2').waitFor();
    expect(await page.getByText('Right before,').textContent()).toContain('answered Knut Hamsun');

    await page.goto('/edits');
    await page.getByLabel('Words').fill('nobody wrote this');
    await page.keyboard.press('Enter');
    await page.getByText('No edit says').waitFor();
    await page.getByLabel('Words').fill('SOPHOCLES');
    await page.keyboard.press('Enter');
    await page.getByRole('list', { name: 'Edits' }).getByText("Hunger's author is").waitFor();
    await page.getByLabel('By', { exact: true }).fill('nobody');
    await page.keyboard.press('Enter');
    await page.getByText('No edit says “SOPHOCLES” and is by nobody').waitFor();
    await page.getByLabel('By', { exact: true }).fill('LOCAL stack');
    await page.keyboard.press('Enter');
    await page.getByRole('list', { name: 'Edits' }).getByRole('link', { name: 'local stack' }).first().waitFor();
    expect(await seriousFindings(page)).toEqual([]);

    await page.goto('/history');
    const moves = page.getByRole('main').getByRole('listitem');
    await moves.getByText('Sophocles').waitFor();
    expect(await moves.count()).toBe(2);
    await page.getByRole('link', { name: 'All versions of atlas' }).click();
    await page.getByText('the imported model').waitFor();
    expect(await seriousFindings(page)).toEqual([]);

    await page.goto(`/versions/${imported}`);
    await page.getByRole('button', { name: 'Set main back to it' }).focus();
    await page.keyboard.press('Enter');
    const sheet = page.getByRole('dialog');
    await sheet.getByText('Sophocles').waitFor();
    expect(await seriousFindings(page)).toEqual([]);
    await sheet.getByLabel('Reason').focus();
    await page.keyboard.type('the author was right');
    await page.keyboard.press('Tab');
    await page.keyboard.type('m');
    expect(await sheet.getByRole('button', { name: 'Set main back' }).isEnabled()).toBe(false);
    await page.keyboard.type('ain');
    await page.keyboard.press('Enter');
    await page.getByText('succeeded', { exact: true }).waitFor();
    expect((await stack().client.branches.get('atlas', 'main')).head).toBe(imported);
    expect(complaints).toEqual([]);
  });

  test('on a phone, an alias is moved to a version and put back by its name', async () => {
    const { page, complaints } = await stack().signedIn('/', phone);
    const [edited] = await stack().client.versions.list('atlas', { limit: 1 }).all(1);
    await stack().client.aliases.set('atlas', 'production', { version: imported });
    await page.goto(`/versions/${edited!.id}`);
    await page.getByRole('button', { name: 'Measure' }).click();
    await page.getByRole('table').getByText(/%/).first().waitFor();
    await page.getByRole('button', { name: 'Name it' }).click();
    await page.getByLabel('Name', { exact: true }).fill('production');
    expect(await seriousFindings(page)).toEqual([]);
    await page.getByRole('button', { name: 'Put the alias here' }).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect((await stack().client.aliases.get('atlas', 'production')).version_id).toBe(edited!.id);

    await page.goto('/names');
    await page.getByRole('button', { name: /^Back to/ }).click();
    await page.getByLabel('Reason').fill('it was wrong');
    await page.getByLabel('Type production to go on').fill('production');
    await page.getByRole('button', { name: 'Put production back' }).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect((await stack().client.aliases.get('atlas', 'production')).version_id).toBe(imported);
    expect(await seriousFindings(page)).toEqual([]);
    expect(complaints).toEqual([]);
  });

  test('a check says that all is well, a dry run what could go, and an import of nothing why it failed', async () => {
    const { page, complaints } = await stack().signedIn('/');
    await page.getByRole('link', { name: /^Run it/ }).click();
    await page.getByRole('row', { name: /atlas gpt2/ }).waitFor();
    expect(await seriousFindings(page)).toEqual([]);
    await page.getByRole('link', { name: 'Storage', exact: true }).click();
    await page.getByText('have not been counted yet').waitFor();
    await page.getByRole('button', { name: 'Check everything' }).click();
    await page.getByText('All is well').waitFor();
    await page.getByRole('button', { name: 'What could be collected?' }).click();
    await page.getByText('Would be freed').waitFor();
    await page.getByRole('row', { name: /files of models/ }).waitFor();
    await page.getByRole('button', { name: 'Collect', exact: true }).click();
    const sheet = page.getByRole('dialog', { name: 'Collect from blobs?' });
    await sheet.getByText('By the dry run').waitFor();
    await sheet.getByLabel('Type blobs to go on').fill('blobs');
    await sheet.getByRole('button', { name: 'Collect' }).click();
    await page.getByText('Freed', { exact: true }).waitFor();
    expect(await seriousFindings(page)).toEqual([]);
    await page.goto('/upkeep');
    await page.getByLabel('Name').fill('nothing');
    await page.getByLabel('Where it is').fill('/nowhere/at/all');
    await page.getByRole('button', { name: 'Import', exact: true }).click();
    await page.getByRole('alert').getByText('/nowhere/at/all').waitFor();
    expect(complaints).toEqual([]);
  });
}
