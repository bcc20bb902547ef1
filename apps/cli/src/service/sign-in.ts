// The address at which a browser is signed in to the dashboard, once and soon, without a key being pasted.
import { createSignInLink, findKey, openLineage } from '@errata/lineage';
import type { Connection } from './connection.ts';

/** The link is told behind a `#`, which browsers keep to themselves. Undefined where the key is no longer valid. */
export async function signInAddress({ url, api_key, database_url }: Connection): Promise<string | undefined> {
  const lineage = await openLineage(database_url);
  try {
    const key = await findKey(lineage, api_key);
    if (key === null) return undefined;
    const { token } = await createSignInLink(lineage, key.id);
    return `${url}/#sign-in=${token}`;
  } finally {
    await lineage.close();
  }
}
