#!/usr/bin/env node
// The errata command: runs the TypeScript sources directly.
import { register } from 'tsx/esm/api';

register();
await import('../src/main.ts');
