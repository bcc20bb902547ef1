// People in a database, as if a provider of identities had just vouched for them.
import { admitPerson, openLineage, type Person } from '@errata/lineage';

/** Lets somebody in by name, with what the provider says of them; answers with their id. */
export async function admitTo(databaseUrl: string, name: string, memberships: Person['memberships']): Promise<string> {
  const lineage = await openLineage(databaseUrl, { poolSize: 1 });
  try {
    const person = { issuer: 'https://login.example', subject: name, name, memberships };
    return (await admitPerson(lineage, person))!.id;
  } finally {
    await lineage.close();
  }
}
