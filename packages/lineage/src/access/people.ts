// People, for whom a provider of identities vouches. Each has a row beside the keys, so that what holds for keys, who did what and whose session
// it is, holds for them.
import { sha256 } from '@errata/contracts';
import { noteAct } from '../audit/note.ts';
import { asJson, isUniqueViolation, type Lineage } from '../database/client.ts';
import { newId } from '../database/ids.ts';
import { type ApiKey, findKeyById } from './keys.ts';
import { type Membership, stored } from './memberships.ts';

export interface Person {
  /** Who vouches, and whom they mean by it: the two do not change. */
  readonly issuer: string;
  readonly subject: string;
  readonly name: string;
  readonly memberships: readonly Membership[];
}

/** Notes a person with the roles that they have now; null for one who was turned out. */
export async function admitPerson(db: Lineage, person: Person): Promise<ApiKey | null> {
  const { issuer, subject, name, memberships } = person;
  // No key begins like this, so that none has this hash.
  const hash = sha256(`person ${issuer} ${subject}`);
  const known = await db.prisma.apiKey.findUnique({ where: { hash } });
  if (known === null) return create(db, person, hash);
  const same = known.name === name && JSON.stringify(known.memberships) === JSON.stringify(stored(memberships));
  if (!same)
    await db.prisma.apiKey.update({ where: { hash }, data: { name, memberships: asJson(stored(memberships)) } });
  return findKeyById(db, known.id);
}

async function create(db: Lineage, person: Person, hash: string): Promise<ApiKey | null> {
  const { issuer, subject, name, memberships } = person;
  const id = newId('person');
  try {
    await db.prisma.$transaction(async (tx) => {
      const data = { id, name, hash, scopes: [], memberships: asJson(stored(memberships)) };
      await tx.apiKey.create({ data });
      await noteAct(tx, { act: 'person.admitted', subject: id, details: { name, issuer, subject }, by: id });
    });
  } catch (error) {
    // Of two first requests at once, one has made the row.
    if (!isUniqueViolation(error)) throw error;
    return admitPerson(db, person);
  }
  return findKeyById(db, id);
}
