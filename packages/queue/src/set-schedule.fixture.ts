// Run by the tests in a process of its own, to be frozen: makes the queue tick for one schedule.
import { openDispatch } from './index.ts';

const [url = '', id = ''] = process.argv.slice(2);
const dispatch = await openDispatch(url);
const ticks = await dispatch.ticks();
await ticks.reconcile([...(await ticks.list()), { id, pattern: '0 5 * * *', time_zone: 'UTC' }]);
await dispatch.close();
