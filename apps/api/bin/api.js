#!/usr/bin/env node
// The API process.
import { run } from '@errata/programs';

await run('api');
