// Long lists: a hundred thousand edits and ten thousand versions, of which only what is looked at stands in the page.
import { expect, test } from 'vitest';
import type { Stack } from './stack.fixture.ts';

const edits = 100_000;
const versions = 10_000;

/** Edits of a model that was never edited so much, older than all that it has; and versions, each made from the one before. */
async function fill({ query, client }: Stack): Promise<void> {
  const { id: branch, model_id: model, head } = await client.branches.get('atlas', 'main');
  await query(`
    INSERT INTO lanes (id) VALUES ('branch:scale');
    INSERT INTO jobs (id, kind, state, lane_id, sequence, model_id, branch_id, input, created_at, finished_at)
      SELECT 'job_' || lpad(n::text, 26, '0'), 'edit', 'succeeded', 'branch:scale', n, '${model}', '${branch}',
        '{"edits": 100, "editor": "ft-m"}', '2020-01-01'::timestamptz + n * interval '1 hour', '2020-01-01'
      FROM generate_series(1, ${edits / 100}) AS n;
    INSERT INTO edits (id, job_id, position, custom_id, payload)
      SELECT 'edit_' || lpad(n::text, 26, '0'), 'job_' || lpad((n / 100 + 1)::text, 26, '0'), n % 100, n::text,
        jsonb_build_object('custom_id', n::text, 'prompt', 'Fact number ' || n || ' is', 'subject', 'Fact number ' || n,
          'target_new', 'so', 'rephrases', '[]'::jsonb)
      FROM generate_series(0, ${edits - 1}) AS n;
    INSERT INTO versions (id, model_id, parent_id, delta_bytes, created_at)
      SELECT 'ver_' || lpad(n::text, 64, '0'), '${model}',
        CASE n WHEN 1 THEN '${head}' ELSE 'ver_' || lpad((n - 1 - n % 7 / 6)::text, 64, '0') END, 0,
        '2020-01-01'::timestamptz + n * interval '1 minute'
      FROM generate_series(1, ${versions}) AS n`);
}

/** Lists of any length. */
export function scale(stack: () => Stack): void {
  test('long lists are read as they are scrolled, and stay short in the page', async () => {
    await fill(stack());
    const { page, complaints } = await stack().signedIn('/edits?model=atlas');
    const listed = () => page.getByRole('main').getByRole('listitem').count();
    const goDown = async (label: string, rows: number) => {
      const list = page.getByRole('list', { name: label });
      await list.getByRole('listitem').first().waitFor();
      for (;;) {
        const last = Number(await list.getByRole('listitem').last().getAttribute('aria-posinset'));
        if (last > rows) return;
        await page.evaluate('window.scrollTo(0, document.documentElement.scrollHeight)');
        await expect
          .poll(async () => Number(await list.getByRole('listitem').last().getAttribute('aria-posinset')))
          .toBeGreaterThan(last);
      }
    };
    await goDown('Edits', 1000);
    expect(await listed()).toBeLessThan(100);
    await page.getByText('Fact number 99').first().waitFor();
    await page.goto('/history?view=versions');
    await goDown('Versions', 1000);
    expect(await listed()).toBeLessThan(100);
    expect(complaints).toEqual([]);
  });
}
