// Run by the tests in a process of its own, to be killed: takes a lane's job and commits it.
import { acquireLease, openLineage, takeNextJob } from '../index.ts';
import { commitEdits, toCommitting } from '../job-steps.fixture.ts';

const [url = '', lane = ''] = process.argv.slice(2);
const db = await openLineage(url, { poolSize: 2 });
const lease = await acquireLease(db, lane, `process ${process.pid}`, 0);
if (lease === null) throw new Error(`${lane} is held`);
const taken = await takeNextJob(db, lease);
if (taken === null) throw new Error(`${lane} has no work`);
await toCommitting(db, lease, taken.id);
await commitEdits(db, lease, taken);
await db.close();
