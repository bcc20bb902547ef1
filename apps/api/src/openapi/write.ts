// Writes apps/api/openapi.json and the routes in docs/api.md; a test fails when they are not what the routes say. `npm run openapi` runs it.
import { readFile, writeFile } from 'node:fs/promises';
import { describeApi } from './describe.ts';
import { withRoutes } from './routes-table.ts';

const document = await describeApi();
await writeFile(new URL('../../openapi.json', import.meta.url), document);
const page = new URL('../../../../docs/api.md', import.meta.url);
await writeFile(page, withRoutes(await readFile(page, 'utf8'), document));
console.log('wrote apps/api/openapi.json and the routes in docs/api.md');
