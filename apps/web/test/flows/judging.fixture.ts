// Judging by other rules: a gate is tried on what was judged before, and changed.
import { seriousFindings } from '../axe.fixture.ts';
import { type Flow, patiently } from '../scene.fixture.ts';
import { edit } from './terbium.fixture.ts';

export const judging: Flow = {
  name: 'a gate is tried on recent batches, and changed with a reason',
  async run({ branch, visit, client, hands: { press, write }, expect }) {
    const gated = await branch('gated');
    const { id } = await client.editJobs.create({ model: 'atlas', branch: gated, edits: [edit] });
    expect(await client.jobs.wait(id)).toMatchObject({ state: 'succeeded' });

    const page = await visit(`/judge?model=atlas&branch=${gated}`);
    await press(page.getByRole('link', { name: `The gate of ${gated}` }));
    const preview = page.getByRole('region', { name: 'Preview' });
    await preview.getByText('Of 1, it would have judged none otherwise').waitFor();

    const most = page.getByRole('group', { name: 'Rule 3' }).getByLabel('At most');
    await write(most, '0.01');
    await preview.getByText('1 of 1 would have been judged otherwise').waitFor();
    await preview.getByText(/perplexity_ratio is .* and must be at most 0.01/).waitFor();
    await write(page.getByLabel('Prompt', { exact: true }), 'The capital of France is');
    await press(page.getByRole('button', { name: 'Add', exact: true }));
    await preview.getByText('Not known, since it was not measured then: canaries_kept').waitFor();
    await write(most, '1.4');
    await preview.getByText('Of 1, it would have judged none otherwise').waitFor();
    expect(await seriousFindings(page)).toEqual([]);

    await press(page.getByRole('button', { name: 'Save the gate' }));
    await write(page.getByLabel('Reason'), 'stricter from now on');
    await press(page.getByRole('button', { name: 'Change the gate' }));
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await expect.poll(async () => (await client.branches.policy('atlas', gated)).revision, patiently).toBe(2);
    const { gate, reason } = await client.branches.policy('atlas', gated);
    expect(reason).toBe('stricter from now on');
    expect(gate.rules[2]).toEqual({ metric: 'perplexity_ratio', max: 1.4 });
    expect(gate.canaries).toEqual([{ prompt: 'The capital of France is' }]);
  },
};
