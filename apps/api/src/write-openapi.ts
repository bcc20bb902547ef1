// Writes apps/api/openapi.json; a test fails when it is not what the routes say. Run it with `npm run openapi`.
import { writeFile } from 'node:fs/promises';
import { describeApi } from './describe.ts';

const path = new URL('../openapi.json', import.meta.url);
await writeFile(path, await describeApi());
console.log('wrote apps/api/openapi.json');
