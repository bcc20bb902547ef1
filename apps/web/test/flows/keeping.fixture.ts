// Keeping: an answer that is to stay becomes a canary of the branch.
import type { Flow } from '../scene.fixture.ts';

export const keeping: Flow = {
  name: 'an answer is kept: a canary of the branch from then on',
  async run({ branch, visit, client, hands: { press, write }, device, expect }) {
    const kept = await branch('kept');
    const page = await visit(`/ask?model=atlas&branch=${kept}`);
    await page.getByRole('heading', { name: 'Ask', exact: true }).waitFor();
    if (device.name === 'desktop') {
      await page.keyboard.press('Tab');
      expect(await page.evaluate('document.activeElement.textContent')).toBe('To the content');
      await page.keyboard.press('Enter');
    }
    await write(page.getByLabel('Prompt'), 'The capital of France is');
    await page.keyboard.press('Enter');
    await press(page.getByRole('button', { name: 'Keep this answer' }));
    await write(page.getByLabel('Reason'), 'everybody knows');
    await page.keyboard.press('Enter');
    await page.getByText(`From now on the gate of ${kept} refuses`).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    const { gate } = await client.branches.policy('atlas', kept);
    expect(gate.canaries).toEqual([{ prompt: 'The capital of France is', answer: 'Paris' }]);
  },
};
