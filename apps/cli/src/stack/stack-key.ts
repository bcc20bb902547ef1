// The key that a local stack prints: made once, kept beside the stack's data, and used again for as long as it is valid.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { scopes } from '@errata/contracts';
import { createKey, findKey, openLineage } from '@errata/lineage';

/** The token of a key of all scopes. */
export async function stackKey(databaseUrl: string, dataDir: string): Promise<string> {
  const file = join(dataDir, 'api-key');
  const kept = await readFile(file, 'utf8').then(
    (text) => text.trim(),
    () => undefined,
  );
  const lineage = await openLineage(databaseUrl);
  try {
    if (kept !== undefined && (await findKey(lineage, kept)) !== null) return kept;
    const { token } = await createKey(lineage, 'local stack', scopes);
    await writeFile(file, `${token}\n`, { mode: 0o600 });
    return token;
  } finally {
    await lineage.close();
  }
}
