// Every page with what can be seen on it, by the addresses under which a model's history shows it.
import { jobKinds } from '@errata/contracts';
import type { ErrataClient } from '@errata/sdk';
import type { Page } from 'playwright-core';
import { goTo } from './go-to.fixture.ts';

/**
 * Addresses by name.
 * @param client of a stack on which all has happened that there is to see
 */
export async function everyPath(client: ErrataClient): Promise<readonly (readonly [name: string, path: string])[]> {
  const kinds = jobKinds.filter((kind) => kind !== 'evaluation_shard' && kind !== 'artefact');
  const jobs = (
    await Promise.all(kinds.map(async (kind) => (await client.jobs.list({ kind, limit: 1 }).page()).data))
  ).flat();
  // One whose branch is still where it led.
  const heads = new Map((await client.branches.list('atlas').all()).map(({ name, head }) => [name, head]));
  const succeeded = (await client.jobs.list({ kind: 'edit', state: 'succeeded', limit: 50 }).page()).data;
  const edited = succeeded.find(({ branch, version_id }) => heads.get(branch ?? '') === version_id) ?? succeeded[0]!;
  const [first] = (await client.jobs.edits(edited.id, { limit: 1 }).page()).data;
  const evaluations = (await client.evaluations.list({ model: 'atlas', limit: 2 }).page()).data.map(({ id }) => id);
  const projects = await client.projects.list().all();
  const found = (kind: string) => jobs.find((job) => job.kind === kind)?.id;
  const of = `model=atlas&branch=${edited.branch}`;
  const asked = `prompt=${encodeURIComponent(first!.prompt)}`;
  return [
    ['home', '/'],
    ['ask', `/ask?${of}`],
    ['ask-two', `/ask?${of}&b=${edited.parent_version_id}&${asked}`],
    ['correct', `/correct?${of}`],
    ['correct-many', `/correct?${of}&how=many`],
    ['judge', `/judge?${of}`],
    ['gate', `/gate?${of}`],
    ['jobs', '/jobs'],
    ...jobs.map(({ id, kind }) => [`job-${kind}`, `/jobs/${id}`] as const),
    ['job-edit-applied', `/jobs/${edited.id}`],
    ['queue', '/queue'],
    ['schedules', '/schedules'],
    ['schedules-new', '/schedules?making=true'],
    ['history', `/history?${of}`],
    ['versions', `/history?${of}&view=versions`],
    ['version', `/versions/${edited.version_id}?${of}`],
    ['version-imported', `/versions/${edited.parent_version_id}?${of}`],
    ['edits', '/edits'],
    ['edits-none', '/edits?text=nobody-wrote-this'],
    ['why', '/why'],
    ['why-found', `/why?${of}&${asked}&blame=${found('blame')}&bisect=${found('bisect')}`],
    ['compare', '/compare'],
    ['compare-one', `/compare?ids=${evaluations[0]}`],
    ['compare-two', `/compare?ids=${evaluations.join(',')}`],
    ['names', '/names'],
    ['upkeep', '/upkeep'],
    ['storage', '/storage'],
    ['health', '/health'],
    ['projects', '/projects'],
    ['project', `/projects/${projects.at(-1)!.name}`],
    ['keys', '/keys'],
    ['webhooks', '/webhooks'],
    ['missing', '/nowhere'],
  ];
}

/** Goes to addresses of a page that is there, each as if a link led to it, and waits for what it shows to have come. */
export function walker(page: Page): (path: string) => Promise<void> {
  const open = new Set<unknown>();
  page.on('request', (request) => {
    if (/\/v1\/(?!.*events)/.test(request.url())) open.add(request);
  });
  page.on('requestfinished', (request) => open.delete(request));
  page.on('requestfailed', (request) => open.delete(request));
  const main = page.locator('#main');
  const routeOf = (path: string) => /^\/\w*/.exec(path)?.[0];
  const frame = () => page.evaluate('new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)))');
  return async (path) => {
    // A page that shows itself again under another address is begun anew, too.
    if (routeOf(path) === routeOf(new URL(page.url()).pathname)) await goTo(page, '/nowhere');
    await goTo(page, path);
    await main.getByText('Loading…').first().waitFor({ state: 'detached' });
    do await frame();
    while (open.size > 0);
    await frame();
  };
}
