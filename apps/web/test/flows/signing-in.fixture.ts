// A first visit: signing in by a key, by a link that the command line prints, and out again.
import { seriousFindings } from '../axe.fixture.ts';
import type { Flow } from '../scene.fixture.ts';

export const signingIn: Flow = {
  name: 'a key signs in and is kept nowhere that a script could read; signing out ends it',
  async run({ refusal, key, expect, visitUnknown }) {
    const page = await visitUnknown('/jobs');
    await page.getByLabel('API key').fill('errata_sk_made-up');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('alert').getByText('This API key does not exist').waitFor();
    await refusal(401);
    expect(await seriousFindings(page)).toEqual([]);

    await page.getByLabel('API key').fill(key);
    await page.keyboard.press('Enter');
    await page.getByRole('link', { name: 'import atlas' }).waitFor();
    const readable = await page.evaluate('[document.cookie, localStorage.length, sessionStorage.length]');
    expect(readable).toEqual(['', 0, 0]);
    await page.reload();
    await page.getByRole('link', { name: 'import atlas' }).waitFor();

    await page.getByText('Signed in', { exact: true }).click();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('API key').waitFor();
    await page.reload();
    await page.getByLabel('API key').waitFor();
  },
};

export const byLink: Flow = {
  name: 'the link that the command line prints signs a browser in, once',
  async run({ refusal, command, url, expect, visitUnknown }) {
    const link = await command('dashboard');
    expect(link).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/#sign-in=errata_link_/);
    const page = await visitUnknown(link);
    await page.getByRole('heading', { name: 'How things stand' }).waitFor();
    expect(page.url()).toBe(`${url}/`);
    const second = await visitUnknown(link);
    await second.getByText('This link was used').waitFor();
    await refusal(401);
  },
};
