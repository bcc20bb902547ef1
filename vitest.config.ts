// Test runner settings: real services and native runtimes, so files run in forked processes, one more than there are cores in the
// smallest machine that is used: they often wait for leases to run out. The files of a process follow one another and share what they
// import: none may leave anything behind.
import { defineConfig } from 'vitest/config';
import SlowFirst from './test/support/slow-first.ts';

export default defineConfig({
  test: {
    include: ['packages/**/*.test.ts', 'apps/**/*.test.ts', 'test/**/*.test.ts'],
    reporters: ['default', './test/support/tally.ts'],
    globalSetup: ['test/support/services.ts'],
    sequence: { sequencer: SlowFirst },
    pool: 'forks',
    isolate: false,
    maxWorkers: 3,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // No test asserts a time, and a busy machine takes its own.
    expect: { poll: { timeout: 20_000 } },
  },
});
