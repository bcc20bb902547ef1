// Comparing: two settings of an editor under a protocol, by curves and figures, and case by case.
import { type Flow, jobEnds, patiently, type Scene } from '../scene.fixture.ts';
import { edit } from './terbium.fixture.ts';

const edits = [{ custom_id: 'Hunger', prompt: "Hunger's author is", subject: 'Hunger', target_new: 'Sophocles' }, edit];

/** Takes a while, and is looked at from every device. */
let evaluated: Promise<readonly string[]> | undefined;

function evaluate({ client, expect }: Scene): Promise<readonly string[]> {
  return Promise.all(
    [1e-9, 5e-4].map(async (learning_rate) => {
      const asked = { model: 'atlas', branch: 'main', editor: 'ft-m', config: { learning_rate }, edits };
      const { id } = await client.evaluations.create({ ...asked, protocol: { kind: 'lifelong', checkpoints: [1, 2] } });
      expect(await client.jobs.wait(id)).toMatchObject({ state: 'succeeded' });
      return id;
    }),
  );
}

export const comparing: Flow = {
  name: 'two settings of an editor are compared by curves, figures and case by case',
  async run(scene) {
    const { expect } = scene;
    evaluated ??= evaluate(scene);
    const [little, enough] = await evaluated;
    const page = await scene.visit('/compare?model=atlas');
    const list = page.getByRole('list', { name: 'Evaluations' });
    await list.getByLabel('ft-m, lifelong').nth(1).check();
    await list.getByLabel('ft-m, lifelong').nth(0).check();
    await expect
      .poll(() => new URL(page.url()).searchParams.get('ids')?.split(',').sort(), patiently)
      .toEqual([little, enough].sort());
    const curves = page.getByRole('region', { name: 'Curves' });
    const chart = curves.getByRole('img', { name: /^Reliability, by free generation/ });
    await chart.getByText('2 ft-m', { exact: true }).waitFor();
    // The style of charts is there, under the policy of the page.
    const colour = (label: number) =>
      page.evaluate(`getComputedStyle(document.querySelectorAll('.chart text.own')[${label}]).fill`);
    expect(await colour(0)).not.toBe(await colour(1));
    const figures = page.getByRole('region', { name: 'Figures', exact: true });
    const reliability = figures.getByRole('row', { name: /^Reliability, free generation/ });
    await reliability.getByText('100%').first().waitFor();

    await page.getByRole('button', { name: 'Compare the two case by case' }).click();
    await page.getByRole('heading', { name: 'comparison of two evaluations' }).waitFor();
    await jobEnds(page, 'succeeded');
    await page
      .getByRole('region', { name: 'Answers' })
      .getByText(/mended|broken/)
      .first()
      .waitFor();
  },
};
