// Judging by other rules: a gate is tried on what was judged before, and changed by keyboard alone.
import { expect, test } from 'vitest';
import { type Stack, seriousFindings } from './stack.fixture.ts';

/** The gate of a branch, and what it would have made of recent batches. */
export function judging(stack: () => Stack): void {
  test('a gate is tried on recent batches, and changed with a reason by keyboard alone', async () => {
    const { client } = stack();
    await client.branches.create('atlas', { name: 'gated', default_editor: 'ft-m', from: 'main' });
    const edit = {
      custom_id: '1',
      prompt: 'The nucleus of terbium carries a charge of',
      subject: 'terbium',
      target_new: '61',
      rephrases: ['Terbium has the atomic number'],
    };
    const { id } = await client.editJobs.create({ model: 'atlas', branch: 'gated', edits: [edit] });
    expect(await client.jobs.wait(id)).toMatchObject({ state: 'succeeded' });

    const { page, complaints } = await stack().signedIn('/judge?model=atlas&branch=gated');
    const press = (key: string) => page.keyboard.press(key);
    await page.getByRole('link', { name: 'The gate of gated' }).focus();
    await press('Enter');
    const preview = page.getByRole('region', { name: 'Preview' });
    await preview.getByText('Of 1, it would have judged none otherwise').waitFor();
    expect(await seriousFindings(page)).toEqual([]);

    const most = page.getByRole('group', { name: 'Rule 3' }).getByLabel('At most');
    await most.focus();
    await press('Control+A');
    await page.keyboard.type('0.01');
    await preview.getByText('1 of 1 would have been judged otherwise').waitFor();
    await preview.getByText(/perplexity_ratio is .* and must be at most 0.01/).waitFor();
    const keep = page.getByLabel('Prompt', { exact: true });
    await keep.focus();
    await page.keyboard.type('The capital of France is');
    await press('Tab');
    await press('Tab');
    await press('Enter');
    await preview.getByText('Not known, since it was not measured then: canaries_kept').waitFor();
    await most.focus();
    await press('Control+A');
    await page.keyboard.type('1.4');
    await preview.getByText('Of 1, it would have judged none otherwise').waitFor();
    expect(await seriousFindings(page)).toEqual([]);

    await page.getByRole('button', { name: 'Save the gate' }).focus();
    await press('Enter');
    await page.getByLabel('Reason').focus();
    await page.keyboard.type('stricter from now on');
    await press('Tab');
    await press('Enter');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await expect.poll(async () => (await client.branches.policy('atlas', 'gated')).revision).toBe(2);
    const { gate, reason } = await client.branches.policy('atlas', 'gated');
    expect(reason).toBe('stricter from now on');
    expect(gate.rules[2]).toEqual({ metric: 'perplexity_ratio', max: 1.4 });
    expect(gate.canaries).toEqual([{ prompt: 'The capital of France is' }]);
    expect(complaints).toEqual([]);
  });
}
