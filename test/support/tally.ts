// The last line of a test run: how many tests passed and failed, in one form that any tool can read.
import type { Reporter, SerializedError, TestModule, TestRunEndReason } from 'vitest/node';

export default class Tally implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[], reason: TestRunEndReason): void {
    const counts = { passed: 0, failed: unhandled.length, skipped: 0 };
    for (const module of modules) {
      // A file that could not even be loaded has no tests to count, and has failed.
      if (module.errors().length > 0) counts.failed += 1;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state !== 'pending') counts[state] += 1;
      }
    }
    if (reason === 'interrupted') counts.failed += 1;
    process.on('exit', () => {
      if (counts.skipped > 0) console.log(`${counts.skipped} skipped`);
      console.log(`${counts.passed} passed, ${counts.failed} failed`);
    });
  }
}
