// Run by the tests in a process of its own, to be killed: one collection without a grace period.
import { openDiskStore } from '@errata/blobs';
import { openLineage } from '@errata/lineage';
import { collectGarbage } from './index.ts';

const [url = '', directory = ''] = process.argv.slice(2);
const db = await openLineage(url, { poolSize: 2 });
await collectGarbage(db, await openDiskStore(directory), { dryRun: false, graceMs: 0 });
await db.close();
