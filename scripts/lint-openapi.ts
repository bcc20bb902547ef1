// Lints apps/api/openapi.json by redocly's recommended rules: `npm run lint:openapi`. Errors end it with 1; warnings are counted.
import { fileURLToPath } from 'node:url';
import { createConfig, formatProblems, getTotals, lint } from '@redocly/openapi-core';

const ref = fileURLToPath(new URL('../apps/api/openapi.json', import.meta.url));
const config = await createConfig({ extends: ['recommended-strict'] });
const problems = await lint({ ref, config });
const totals = getTotals(problems);
formatProblems(problems, { format: 'codeframe', totals, version: '', maxProblems: 20 });
process.exitCode = totals.errors > 0 ? 1 : 0;
if (totals.errors === 0) console.log(`apps/api/openapi.json: ${totals.warnings} warnings, no errors`);
