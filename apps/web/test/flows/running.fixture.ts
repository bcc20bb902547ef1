// Running it: keys and what each may do, and who is told of what happens.
import type { Flow } from '../scene.fixture.ts';

export const running: Flow = {
  name: 'a key is made for somebody, shown once, signs in to what it may do, and is revoked',
  async run({ visit, device, expect, visitUnknown }) {
    const name = `Ada, who judges on a ${device.name}`;
    const page = await visit('/upkeep');
    await page.getByRole('link', { name: 'Keys', exact: true }).click();
    await page.getByRole('heading', { name: 'Keys', exact: true }).waitFor();
    await page.getByLabel('Name', { exact: true }).fill(name);
    await page.getByRole('checkbox', { name: /^approve and reject/ }).check();
    await page.getByRole('button', { name: 'Make the key' }).click();
    const dialog = page.getByRole('dialog', { name: `The key of ${name}` });
    const token = await dialog.locator('pre').innerText();
    expect(token).toMatch(/^errata_sk_/);
    await dialog.getByRole('button', { name: 'I have kept it' }).click();
    const listed = page.getByRole('listitem').filter({ hasText: name });
    await listed.getByText('may do models:read, approve').waitFor();
    expect(await page.content()).not.toContain(token);

    await page.getByRole('button', { name: `Replace ${name}` }).click();
    await page.getByLabel('The old one ends').selectOption('at once');
    await page.getByRole('button', { name: 'Make its successor' }).click();
    const next = await dialog.locator('pre').innerText();
    expect(next).not.toBe(token);
    await dialog.getByRole('button', { name: 'I have kept it' }).click();

    const other = await visitUnknown('/keys');
    await other.getByLabel('API key').fill(next);
    await other.keyboard.press('Enter');
    await other.getByText('takes one with the scope admin').waitFor();
    await page.getByRole('button', { name: `Revoke ${name}` }).click();
    await page.getByLabel(`Type ${name} to go on`).fill(name);
    await page.getByRole('button', { name: 'Revoke the key' }).click();
    await listed.waitFor({ state: 'detached' });
    await other.reload();
    await other.getByLabel('API key').waitFor();
  },
};

export const telling: Flow = {
  name: 'an address that may not be told is refused at its form, and nothing is made',
  async run({ visit, refusal, client, expect }) {
    const page = await visit('/webhooks');
    await page.getByText('Nobody is told yet').waitFor();
    await page.getByLabel('Address').fill('http://127.0.0.1:9/hook');
    await page.getByRole('button', { name: 'Make the webhook' }).click();
    await page.getByRole('alert').getByText('127.0.0.1').waitFor();
    await refusal(400);
    expect(await client.webhooks.list().all()).toEqual([]);
  },
};
