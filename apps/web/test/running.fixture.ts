// Running it: keys and what each may do.
import { expect, test } from 'vitest';
import { phone, type Stack, seriousFindings } from './stack.fixture.ts';

/** What only whoever runs the service does. */
export function running(stack: () => Stack): void {
  test('a key is made for somebody, shown once, signs in to what it may do, and is revoked', async () => {
    const { page, complaints } = await stack().signedIn('/upkeep');
    await page.getByRole('link', { name: 'Keys', exact: true }).click();
    await page.getByRole('heading', { name: 'Keys', exact: true }).waitFor();
    await page.getByLabel('Name', { exact: true }).fill('Ada, who judges');
    await page.getByRole('checkbox', { name: /^approve and reject/ }).check();
    expect(await seriousFindings(page)).toEqual([]);
    await page.getByRole('button', { name: 'Make the key' }).click();
    const dialog = page.getByRole('dialog', { name: 'The key of Ada, who judges' });
    const token = await dialog.locator('pre').innerText();
    expect(token).toMatch(/^errata_sk_/);
    await dialog.getByRole('button', { name: 'I have kept it' }).click();
    await page.getByText('may do models:read, approve').waitFor();
    expect(await page.content()).not.toContain(token);
    await page.getByRole('button', { name: 'Replace Ada, who judges' }).click();
    await page.getByLabel('The old one ends').selectOption('at once');
    await page.getByRole('button', { name: 'Make its successor' }).click();
    const next = await dialog.locator('pre').innerText();
    expect(next).not.toBe(token);
    await dialog.getByRole('button', { name: 'I have kept it' }).click();

    const other = await stack().visit(phone);
    await other.page.goto('/keys');
    await other.page.getByLabel('API key').fill(next);
    await other.page.keyboard.press('Enter');
    await other.page.getByText('takes one with the scope admin').waitFor();
    await page.getByRole('button', { name: 'Revoke Ada, who judges' }).click();
    await page.getByLabel('Type Ada, who judges to go on').fill('Ada, who judges');
    await page.getByRole('button', { name: 'Revoke the key' }).click();
    await page.getByText('may do models:read, approve').waitFor({ state: 'detached' });
    await other.page.reload();
    await other.page.getByLabel('API key').waitFor();
    expect([...complaints, ...other.complaints]).toEqual([]);
  });

  test('an address that may not be told is refused at its form, and nothing is made', async () => {
    const { page } = await stack().signedIn('/webhooks');
    await page.getByText('Nobody is told yet').waitFor();
    await page.getByLabel('Address').fill('http://127.0.0.1:9/hook');
    await page.getByRole('button', { name: 'Make the webhook' }).click();
    await page.getByRole('alert').getByText('127.0.0.1').waitFor();
    expect(await stack().client.webhooks.list().all()).toEqual([]);
  });
}
