// Scheduling: when the inbox of a branch becomes a batch.
import { seriousFindings } from '../axe.fixture.ts';
import type { Flow } from '../scene.fixture.ts';
import { edit } from './terbium.fixture.ts';

export const scheduling: Flow = {
  name: 'a schedule is made, run, paused and deleted by its name',
  async run({ branch, visit, client, device, expect }) {
    const news = await branch('news');
    const { custom_id: _, ...waiting } = edit;
    await client.inbox.add((await client.branches.get('atlas', news)).id, waiting);
    const name = `nightly-${device.name}`;
    const page = await visit(`/schedules?model=atlas&branch=${news}`);
    await page.getByRole('link', { name: 'New schedule' }).click();
    await page.getByLabel('Name').fill(name);
    await page.getByLabel('Runs').selectOption('by a cron expression');
    await page.getByLabel('Cron').fill('0 25 * * *');
    await page.getByRole('alert').getByText('hour').waitFor();
    await page.getByLabel('Cron').fill('0 3 * * *');
    await page.getByText('next on').waitFor();
    await page.getByRole('button', { name: 'Create the schedule' }).click();
    const schedule = page.getByRole('listitem').filter({ has: page.getByRole('heading', { name }) });
    await schedule.getByText('every day at 03:00').waitFor();
    const calendar = page.getByRole('region', { name: 'Calendar' });
    expect(await calendar.getByRole('link', { name }).count()).toBeGreaterThan(20);
    expect(await seriousFindings(page)).toEqual([]);

    await schedule.getByRole('button', { name: 'Run now (1 waiting)' }).click();
    await schedule.getByText('succeeded').waitFor();
    await schedule.getByRole('button', { name: 'Pause' }).click();
    await schedule.getByText('not while it is paused').waitFor();
    await schedule.getByText('Latest runs').click();
    await schedule.getByRole('link', { name: '1 edit' }).nth(1).waitFor();
    await schedule.getByRole('button', { name: 'Delete' }).click();
    await page.getByLabel(`Type ${name} to go on`).fill(name);
    await page.getByRole('button', { name: 'Delete the schedule' }).click();
    await schedule.waitFor({ state: 'detached' });
  },
};
