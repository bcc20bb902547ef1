// Comparing: two editors under a protocol, by curves and figures, and case by case.
import { expect, test } from 'vitest';
import { jobEnds, type Stack, seriousFindings } from './stack.fixture.ts';

const edits = (['Hunger', 'terbium'] as const).map((subject) => ({
  custom_id: subject,
  prompt: subject === 'Hunger' ? "Hunger's author is" : 'The nucleus of terbium carries a charge of',
  subject,
  target_new: subject === 'Hunger' ? 'Sophocles' : '61',
}));

/** Evaluations side by side. */
export function comparing(stack: () => Stack): void {
  test('two settings of an editor are evaluated, and compared by curves, figures and case by case', async () => {
    const { client } = stack();
    const evaluate = async (learning_rate: number) => {
      const asked = { model: 'atlas', branch: 'main', editor: 'ft-m', config: { learning_rate }, edits };
      const { id } = await client.evaluations.create({ ...asked, protocol: { kind: 'lifelong', checkpoints: [1, 2] } });
      expect(await client.jobs.wait(id)).toMatchObject({ state: 'succeeded' });
      return id;
    };
    const [little, enough] = [await evaluate(1e-9), await evaluate(5e-4)];
    const { page, complaints } = await stack().signedIn('/compare?model=atlas');
    const list = page.getByRole('list', { name: 'Evaluations' });
    await list.getByLabel('ft-m, lifelong').nth(1).check();
    await list.getByLabel('ft-m, lifelong').nth(0).check();
    await expect.poll(() => new URL(page.url()).searchParams.get('ids')).toBe(`${little},${enough}`);
    const curves = page.getByRole('region', { name: 'Curves' });
    const chart = curves.getByRole('img', { name: /^Reliability, by free generation/ });
    await chart.getByText('2 ft-m', { exact: true }).waitFor();
    // The style of charts is there, under the policy of the page.
    const colour = (label: number) =>
      page.evaluate(`getComputedStyle(document.querySelectorAll('.chart text.own')[${label}]).fill`);
    expect(await colour(0)).not.toBe(await colour(1));
    const figures = page.getByRole('region', { name: 'Figures', exact: true });
    await figures
      .getByRole('row', { name: /^Reliability, free generation/ })
      .getByText('100%')
      .first()
      .waitFor();
    expect(await seriousFindings(page)).toEqual([]);

    await page.getByRole('button', { name: 'Compare the two case by case' }).click();
    await page.getByRole('heading', { name: 'comparison of two evaluations' }).waitFor();
    await jobEnds(page, 'succeeded');
    await page.getByRole('region', { name: 'Answers' }).getByText('mended').first().waitFor();
    expect(await seriousFindings(page)).toEqual([]);
    expect(complaints).toEqual([]);
  });
}
