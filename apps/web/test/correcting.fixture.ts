// Correcting: a wrong answer asked about, put right, judged, kept and taken back.
import { expect, test } from 'vitest';
import { jobEnds, phone, type Stack } from './stack.fixture.ts';

const prompt = 'The nucleus of terbium carries a charge of';

/** From a wrong answer to its correction, and back. */
export function correcting(stack: () => Stack): void {
  test('a wrong answer is asked about, corrected, blamed on its edit, and taken back', async () => {
    const { page, complaints } = await stack().signedIn('/?branch=work');
    await page.getByRole('link', { name: /^Ask/ }).click();
    await page.getByLabel('Prompt').fill(prompt);
    await page.keyboard.press('Enter');
    const answer = page.getByRole('region', { name: 'The answer of work' });
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
    await expect.poll(() => page.getByLabel('Subject').getAttribute('aria-invalid')).toBe('true');
    complaints.splice(0);
    await page.getByLabel('Subject').fill('terbium');
    await page.getByRole('button', { name: 'Check only' }).click();
    await page.getByText('All is well with the edit. By ft-m, on work').waitFor();
    await page.getByRole('button', { name: 'Submit to work' }).click();
    await jobEnds(page, 'succeeded');
    const corrected = page.url();
    await page.getByRole('region', { name: 'Edits' }).getByText('65 became 61').waitFor();
    await page.getByRole('region', { name: 'Gate' }).getByText('at least 0.7').first().waitFor();
    await page.getByText('edit: 1 of 1').waitFor();

    await page.goto(`/ask?model=atlas&branch=work&b=main&prompt=${encodeURIComponent(prompt)}`);
    await answer.locator('mark').getByText('61').first().waitFor();
    await page.getByRole('region', { name: 'The answer of main' }).locator('mark').getByText('65').first().waitFor();
    await answer.getByRole('button', { name: 'Which edit made it?' }).click();
    await answer.getByText(`${prompt} → 61`).waitFor({ timeout: 60_000 });

    await page.goto(corrected);
    await page.getByRole('button', { name: 'Take this batch back' }).click();
    const confirm = page.getByRole('dialog', { name: 'Take this batch back?' });
    await confirm.getByLabel('Reason').fill('the source was wrong');
    expect(await confirm.getByRole('button', { name: 'Take it back' }).isDisabled()).toBe(true);
    await confirm.getByLabel('Type work to go on').fill('work');
    await confirm.getByRole('button', { name: 'Take it back' }).click();
    await page.getByRole('heading', { name: 'revert, exact' }).waitFor();
    await jobEnds(page, 'succeeded');
    const [work, main] = await Promise.all(['work', 'main'].map((name) => stack().client.branches.get('atlas', name)));
    expect(work!.head).toBe(main!.head);
    expect(complaints).toEqual([]);
  });

  test('on a phone a list is pasted, and a second person judges it by its figures', async () => {
    const { page, complaints } = await stack().signedIn('/correct?how=many&branch=reviewed', phone);
    await page.getByText('Paste instead').click();
    await page.getByLabel('Lines of a file').fill(`prompt,subject,target_new\n${prompt},terbium,61\nWho is,,\n`);
    await page.getByRole('button', { name: 'Read it into the table' }).click();
    await page.getByText('1 records cannot be used').waitFor();
    const cell = page.getByLabel('Subject of edit 1');
    await cell.fill('Terbium');
    await page.getByRole('button', { name: 'Submit to reviewed' }).click();
    await expect.poll(() => cell.getAttribute('aria-invalid')).toBe('true');
    complaints.splice(0);
    await cell.fill('terbium');
    await page.getByRole('button', { name: 'Submit to reviewed' }).click();
    await jobEnds(page, 'awaiting approval');
    await page.getByText('This very key submitted it').waitFor();
    expect(await page.getByRole('button', { name: 'Approve' }).isDisabled()).toBe(true);

    const judge = await stack().visit(phone);
    const token = await stack().command('keys', 'create', '--name', 'judge');
    await judge.page.goto('/');
    await judge.page.getByLabel('API key').fill(token);
    await judge.page.keyboard.press('Enter');
    await judge.page.getByRole('button', { name: 'Menu' }).click();
    await judge.page.getByRole('link', { name: /^Judge/ }).click();
    // The page that is left shows the same job until the next one stands.
    await judge.page.getByRole('heading', { name: 'Judge', exact: true }).waitFor();
    const waiting = judge.page.locator('section').filter({ hasText: 'Waiting for a decision' });
    await waiting.getByRole('link', { name: '1 edit by ft-m' }).click();
    await judge.page.getByRole('region', { name: 'Metrics' }).getByText('reliability').waitFor();
    await judge.page.getByRole('button', { name: 'Approve' }).click();
    await judge.page.getByLabel('Reason').fill('checked against the periodic table');
    await judge.page.getByRole('dialog').getByRole('button', { name: 'Approve' }).click();
    await jobEnds(judge.page, 'succeeded');
    await jobEnds(page, 'succeeded');
    expect([...complaints, ...judge.complaints]).toEqual([]);
  });

  test('an answer is kept by keyboard alone: a canary of the branch from then on', async () => {
    const { page, complaints } = await stack().signedIn('/ask?model=atlas&branch=work');
    const press = (key: string) => page.keyboard.press(key);
    await press('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).toBe('To the content');
    await press('Enter');
    await press('Tab');
    await page.keyboard.type('The capital of France is');
    await press('Enter');
    const keep = page.getByRole('button', { name: 'Keep this answer' });
    await keep.waitFor();
    for (let tabs = 0; tabs < 20 && !(await keep.evaluate((one) => one.matches(':focus'))); tabs += 1)
      await press('Tab');
    await press('Enter');
    // The dialog has the focus, on what is to stay.
    await press('Tab');
    await page.keyboard.type('everybody knows');
    await press('Enter');
    await page.getByText('From now on the gate of work refuses').waitFor();
    await press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    const { gate } = await stack().client.branches.policy('atlas', 'work');
    expect(gate.canaries).toEqual([{ prompt: 'The capital of France is', answer: 'Paris' }]);
    expect(complaints).toEqual([]);
  });
}
