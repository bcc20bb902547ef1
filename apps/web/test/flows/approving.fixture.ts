// Many edits: read from files of several layouts into a table, put right in their cells, tried, and judged by a second person.
import type { Page } from 'playwright-core';
import { type Flow, jobEnds, patiently } from '../scene.fixture.ts';
import { prompt } from './terbium.fixture.ts';

/** In the layout of CounterFact. */
const published = [
  {
    case_id: 7,
    requested_rewrite: {
      prompt: '{} has the atomic number',
      subject: 'Terbium',
      target_new: { str: '61' },
      target_true: { str: '65' },
    },
    paraphrase_prompts: [],
    neighborhood_prompts: [],
  },
];

/** Drops a file on a part of the page. */
async function drop(page: Page, where: string, name: string, content: string): Promise<void> {
  const file = `new File([${JSON.stringify(content)}], ${JSON.stringify(name)})`;
  const dataTransfer = await page.evaluateHandle(`(held => (held.items.add(${file}), held))(new DataTransfer())`);
  await page.locator(where).dispatchEvent('drop', { dataTransfer });
}

export const approving: Flow = {
  name: 'lists are dropped and pasted, put right in their cells, tried, and judged by a second person',
  async run({ branch, visit, refusal, command, device, expect, visitUnknown }) {
    const reviewed = await branch('reviewed', { approval: 'required' });
    const page = await visit(`/correct?how=many&branch=${reviewed}`);
    await drop(page, '.drop', 'counterfact.json', JSON.stringify(published));
    await page.getByText('Read as counterfact: 1 edits of 1 records').waitFor();
    expect(await page.getByLabel('Present answer of edit 1').inputValue()).toBe('65');
    await page.getByRole('button', { name: 'Empty the table' }).click();

    await page.getByText('Paste instead').click();
    await page.getByLabel('Lines of a file').fill(`prompt,subject,target_new\n${prompt},terbium,61\nWho is,,\n`);
    await page.getByRole('button', { name: 'Read it into the table' }).click();
    await page.getByText('1 record cannot be used').waitFor();
    const cell = page.getByLabel('Subject of edit 1');
    await cell.fill('Terbium');
    await page.getByRole('button', { name: `Submit to ${reviewed}` }).click();
    await expect.poll(() => cell.getAttribute('aria-invalid'), patiently).toBe('true');
    await refusal(422);
    await cell.fill('terbium');
    await page.getByRole('button', { name: `Submit to ${reviewed}` }).click();
    await jobEnds(page, 'awaiting approval');
    await page.getByText('This very key submitted it').waitFor();
    expect(await page.getByRole('button', { name: 'Approve' }).isDisabled()).toBe(true);

    const judge = await visitUnknown('/');
    await judge.getByLabel('API key').fill(await command('keys', 'create', '--name', `judge on a ${device.name}`));
    await judge.keyboard.press('Enter');
    if (device.name === 'phone') await judge.getByRole('button', { name: 'Menu' }).tap();
    await judge.getByRole('link', { name: /^Judge/ }).click();
    // The page that is left shows the same job until the next one stands.
    await judge.getByRole('heading', { name: 'Judge', exact: true }).waitFor();
    const waiting = judge.locator('section').filter({ hasText: 'Waiting for a decision' }).getByRole('listitem');
    await waiting.filter({ hasText: reviewed }).getByRole('link', { name: '1 edit by ft-m' }).click();
    await judge.getByRole('region', { name: 'Metrics' }).getByText('reliability').waitFor();
    const decision = device.name === 'phone' ? 'Reject' : 'Approve';
    await judge.getByRole('button', { name: decision }).click();
    await judge.getByLabel('Reason').fill('checked against the periodic table');
    await judge.getByRole('dialog').getByRole('button', { name: decision }).click();
    const outcome = device.name === 'phone' ? 'rejected' : 'succeeded';
    await jobEnds(judge, outcome);
    await jobEnds(page, outcome);
  },
};
