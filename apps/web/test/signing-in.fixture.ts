// Signing in: by a key, by a link that the command line prints, and out again.
import { expect, test } from 'vitest';
import { phone, type Stack, seriousFindings } from './stack.fixture.ts';

/** How a browser is let in. */
export function signingIn(stack: () => Stack): void {
  test('a key signs in and is kept nowhere that a script could read; signing out ends it', async () => {
    const { page, complaints } = await stack().visit();
    await page.goto('/jobs');
    await page.getByLabel('API key').fill('errata_sk_made-up');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('alert').getByText('This API key does not exist').waitFor();
    // The refusal itself is what the browser tells of.
    expect(complaints.splice(0)).toEqual([expect.stringContaining('401')]);
    expect(await seriousFindings(page)).toEqual([]);

    await page.getByLabel('API key').fill(stack().key);
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
    expect(complaints).toEqual([]);
  });

  test('the link that the command line prints signs a browser in, once', async () => {
    const link = await stack().command('dashboard');
    expect(link).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/#sign-in=errata_link_/);
    const { page, complaints } = await stack().visit(phone);
    await page.goto(link);
    await page.getByRole('heading', { name: 'How things stand' }).waitFor();
    expect(page.url()).toBe(`${stack().url}/`);
    expect(complaints).toEqual([]);
    const second = await stack().visit();
    await second.page.goto(link);
    await second.page.getByText('This link was used').waitFor();
  });
}
