// What the tests of this package share: a real database, a real store, and a model with a history whose blobs are in it.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDiskStore } from '@errata/blobs';
import { branchLane, createBranch, type Lease, migrate, openLineage } from '@errata/lineage';
import { createTestDatabase } from '../../../test/support/database.ts';
import { commitMadeEdit, hold, importMadeModel } from '../../../test/support/history.ts';

export async function openUpkeep() {
  const database = await createTestDatabase();
  await migrate(database.url);
  const db = await openLineage(database.url);
  const folder = await mkdtemp(join(tmpdir(), 'errata-upkeep-'));
  const directory = join(folder, 'blobs');
  const store = await openDiskStore(directory);
  let made = 0;
  const put = (text = `blob ${made++}`) => store.put(Buffer.from(text));
  const weights = await put('weights');
  const branch = await importMadeModel(db, 'atlas', {
    files: [{ path: 'model.safetensors', blob: weights.sha256, bytes: weights.size }],
  });
  const lease = await hold(db, branch.lane);
  const editOn = async (name: string, held: Lease) => {
    const { sha256: blob } = await put();
    return { ...(await commitMadeEdit(db, { ...branch, name }, held, { kind: 'low_rank', blob })), blob };
  };
  return {
    db,
    store,
    directory,
    branch,
    put,
    url: database.url,
    query: database.query,
    fileOf: (blob: string) => join(directory, blob.slice(0, 2), blob.slice(2)),
    /** One edit, its delta in the store. */
    edit: () => editOn(branch.name, lease),
    /** The same on a branch of its own, made where `main` is. */
    async editOnSide(name: string) {
      const { id } = await createBranch(db, branch.model, { name, from: 'main' });
      await db.prisma.lane.create({ data: { id: branchLane(id) } });
      return { ...(await editOn(name, await hold(db, branchLane(id)))), branch: id };
    },
    async close() {
      await db.close();
      await database.drop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
