#!/usr/bin/env node
// The errata command.
import { run } from '@errata/programs';

await run('errata');
