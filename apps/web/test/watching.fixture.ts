// Watching: what waits and who works, why work ended badly, and when it begins by itself.
import { expect, test } from 'vitest';
import { childrenOf } from '../../../test/support/processes.ts';
import { phone, type Stack, seriousFindings } from './stack.fixture.ts';

/** The queue as a whole, and the schedules that fill it. */
export function watching(stack: () => Stack): void {
  test('workers and what each is at, and failures by their cause', async () => {
    const { client } = stack();
    await client.jobs.wait((await client.models.import({ name: 'nothing', path: '/nowhere/at/all' })).id);
    const { page, complaints } = await stack().signedIn('/jobs');
    await page.getByRole('link', { name: 'Queue and workers' }).click();
    const workers = page.getByRole('region', { name: 'Workers' });
    await workers.getByText('idle').waitFor();
    await page.getByRole('row', { name: /not a model directory.*rejected import/ }).waitFor();
    expect(await seriousFindings(page)).toEqual([]);

    // What it is asked it does not answer until it goes on.
    const worker = (await childrenOf(stack().pid)).find(({ command }) => command.includes('worker.js'));
    const engine = (await childrenOf(worker!.pid)).find(({ command }) => command.includes('engine'));
    process.kill(engine!.pid, 'SIGSTOP');
    try {
      const edit = { custom_id: '1', prompt: 'The capital of Spain is', subject: 'Spain', target_new: 'Lisbon' };
      await client.editJobs.create({ model: 'atlas', branch: 'work', edits: [edit] });
      await workers.getByText('at work').waitFor();
      await workers.getByRole('link', { name: 'edit on work' }).waitFor();
      await page.getByRole('region', { name: 'What waits' }).getByText('running').waitFor();
    } finally {
      process.kill(engine!.pid, 'SIGCONT');
    }
    await workers.getByText('idle').waitFor();
    expect(complaints).toEqual([]);
  });

  test('a schedule is made, run, paused and deleted on a phone', async () => {
    const { client } = stack();
    const { id } = await client.branches.create('atlas', { name: 'news', default_editor: 'ft-m' });
    await client.inbox.add(id, {
      prompt: 'The nucleus of terbium carries a charge of',
      subject: 'terbium',
      target_new: '61',
    });
    const { page, complaints } = await stack().signedIn('/schedules?model=atlas&branch=news', phone);
    await page.getByText('Nothing is scheduled').waitFor();
    await page.getByRole('link', { name: 'New schedule' }).click();
    await page.getByLabel('Name').fill('nightly');
    await page.getByLabel('Runs').selectOption('by a cron expression');
    await page.getByLabel('Cron').fill('0 25 * * *');
    await page.getByRole('alert').getByText('hour').waitFor();
    await page.getByLabel('Cron').fill('0 3 * * *');
    await page.getByText('next on').waitFor();
    await page.getByRole('button', { name: 'Create the schedule' }).click();
    const schedule = page.getByRole('listitem').filter({ has: page.getByRole('heading', { name: 'nightly' }) });
    await schedule.getByText('every day at 03:00').waitFor();
    const calendar = page.getByRole('region', { name: 'Calendar' });
    expect(await calendar.getByRole('link', { name: /nightly/ }).count()).toBeGreaterThan(20);
    expect(await seriousFindings(page)).toEqual([]);

    await schedule.getByRole('button', { name: 'Run now (1 waiting)' }).click();
    await schedule.getByText('succeeded').waitFor({ timeout: 60_000 });
    await schedule.getByRole('button', { name: 'Pause' }).click();
    await schedule.getByText('not while it is paused').waitFor();
    await schedule.getByText('Latest runs').click();
    await schedule.getByRole('link', { name: '1 edit' }).nth(1).waitFor();
    await schedule.getByRole('button', { name: 'Delete' }).click();
    await page.getByLabel('Type nightly to go on').fill('nightly');
    await page.getByRole('button', { name: 'Delete the schedule' }).click();
    await page.getByText('Nothing is scheduled').waitFor();
    expect(complaints).toEqual([]);
  });
}
