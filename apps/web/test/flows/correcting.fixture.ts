// Correcting: a wrong answer asked about, put right, blamed on its edit and taken back.
import { type Flow, jobEnds, patiently } from '../scene.fixture.ts';
import { prompt } from './terbium.fixture.ts';

export const correcting: Flow = {
  name: 'a wrong answer is asked about, corrected, blamed on its edit, and taken back',
  async run({ branch, visit, refusal, client, device, go, expect }) {
    const work = await branch('work');
    const page = await visit(`/?branch=${work}`);
    if (device.name === 'phone') await page.getByRole('button', { name: 'Menu' }).tap();
    await page.getByRole('link', { name: /^Ask/ }).click();
    await page.getByLabel('Prompt').fill(prompt);
    await page.keyboard.press('Enter');
    const answer = page.getByRole('region', { name: `The answer of ${work}` });
    await answer.getByText('65').waitFor();
    await page.getByLabel('Beside it').selectOption({ label: 'the imported model' });
    await answer.getByText('Both answer the same').waitFor();
    await answer.getByRole('link', { name: 'This is wrong' }).click();

    expect(await page.getByLabel('Prompt', { exact: true }).inputValue()).toBe(prompt);
    await page.getByText('The model answered 65').waitFor();
    await page.getByLabel('Subject').fill('Terbium');
    await page.getByLabel('Right answer').fill('61');
    await page.getByRole('button', { name: 'Check only' }).click();
    // It is told at the field, and read out with it.
    await expect.poll(() => page.getByLabel('Subject').getAttribute('aria-invalid'), patiently).toBe('true');
    await refusal(422);
    await page.getByLabel('Subject').fill('terbium');
    await page.getByText('More: what should follow').click();
    await page.getByLabel('The same asked otherwise').fill('Terbium has the atomic number');
    await page.getByRole('button', { name: 'Check only' }).click();
    await page.getByText(`All is well with the edit. By ft-m, on ${work}`).waitFor();
    await page.getByRole('button', { name: `Submit to ${work}` }).click();
    await jobEnds(page, 'succeeded');
    const corrected = page.url();
    await page.getByRole('region', { name: 'Edits' }).getByText('65 became 61').waitFor();
    await page.getByRole('region', { name: 'Gate' }).getByText('at least 0.7').first().waitFor();

    await go(`/ask?model=atlas&branch=${work}&b=main&prompt=${encodeURIComponent(prompt)}`);
    await answer.locator('mark').getByText('61').first().waitFor();
    await page.getByRole('region', { name: 'The answer of main' }).locator('mark').getByText('65').first().waitFor();
    await answer.getByRole('button', { name: 'Which edit made it?' }).click();
    await answer.getByText(`${prompt} → 61`).waitFor();

    await go(corrected);
    await page.getByRole('button', { name: 'Take this batch back' }).click();
    const confirm = page.getByRole('dialog', { name: 'Take this batch back?' });
    await confirm.getByLabel('Reason').fill('the source was wrong');
    expect(await confirm.getByRole('button', { name: 'Take it back' }).isDisabled()).toBe(true);
    await confirm.getByLabel(`Type ${work} to go on`).fill(work);
    await confirm.getByRole('button', { name: 'Take it back' }).click();
    await page.getByRole('heading', { name: 'revert, exact' }).waitFor();
    await jobEnds(page, 'succeeded');
    const [now, before] = await Promise.all([work, 'main'].map((name) => client.branches.get('atlas', name)));
    expect(now!.head).toBe(before!.head);
  },
};
