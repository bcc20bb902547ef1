#!/usr/bin/env node
// The engine process; started by the client beside it.
import { run } from '@errata/programs';

await run('engine');
