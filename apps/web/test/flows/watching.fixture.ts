// Watching: a job as it goes, cancelled and retried; what waits and who works; why work ended badly.

import { seriousFindings } from '../axe.fixture.ts';
import { type Flow, jobEnds } from '../scene.fixture.ts';

export const watching: Flow = {
  name: 'a job is watched, cancelled and retried, with the worker at it, and failures by their cause',
  async run({ branch, visit, client, device, expect }) {
    await client.jobs.wait((await client.models.import({ name: `no-${device.name}`, path: '/nowhere/at/all' })).id);
    const watched = await branch('watched');
    const page = await visit('/jobs');
    // It would take an hour.
    const config = { learning_rate: 1e-12, epochs: 1000, batch_size: 1 };
    const edits = Array.from({ length: 100 }, (_, n) => ({
      ...{ custom_id: `${n}`, prompt: `Of terbium fact number ${n} is`, subject: 'terbium', target_new: '61' },
    }));
    const { id } = await client.editJobs.create({ model: 'atlas', branch: watched, config, edits });
    try {
      await page.getByRole('listitem').filter({ hasText: watched }).getByText('running').waitFor();

      await page.getByRole('link', { name: 'Queue and workers' }).click();
      const workers = page.getByRole('region', { name: 'Workers' });
      await workers.getByText('at work').waitFor();
      await page.getByRole('region', { name: 'What waits' }).getByText('running').waitFor();
      await page.getByRole('row', { name: /not a model directory.*rejected import/ }).waitFor();
      expect(await seriousFindings(page)).toEqual([]);
      await workers.getByRole('link', { name: `edit on ${watched}` }).click();

      await page
        .getByRole('region', { name: 'Log' })
        .getByText(/edit: .* of 100/)
        .waitFor();
      await page.getByRole('button', { name: 'Cancel this job' }).click();
      await page.getByRole('button', { name: 'Cancel the job' }).click();
      await jobEnds(page, 'cancelled');
      await page.getByRole('button', { name: 'Retry' }).click();
      await jobEnds(page, 'running');
    } finally {
      await client.jobs.cancel(id);
    }
    await jobEnds(page, 'cancelled');
  },
};
