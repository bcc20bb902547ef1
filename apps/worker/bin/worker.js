#!/usr/bin/env node
// The worker process.
import { run } from '@errata/programs';

await run('worker');
