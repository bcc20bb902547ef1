// Test runner settings: real services and native runtimes, so files run in two forked processes. The files of a process follow one another
// and share what they import: none may leave anything behind.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['packages/**/*.test.ts', 'apps/**/*.test.ts', 'test/**/*.test.ts'],
    reporters: ['default', './test/support/tally.ts'],
    globalSetup: ['test/support/services.ts'],
    pool: 'forks',
    isolate: false,
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
