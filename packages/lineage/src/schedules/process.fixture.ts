// Run by the tests in a process of its own, to be killed: adds one edit to an inbox, or runs a schedule.
import { addToInbox, openLineage, runSchedule } from '../index.ts';
import { madeEdit } from '../lineage.fixture.ts';

const [url = '', verb = '', id = '', customId = ''] = process.argv.slice(2);
const db = await openLineage(url, { poolSize: 2 });
if (verb === 'add') await addToInbox(db, { branch_id: id, edits: [madeEdit(customId)], priority: 0, created_by: null });
else await runSchedule(db, id);
await db.close();
