// A short run of the fuzzer: no request that was made up is answered with a failure of the service, or with an error in another form than a problem.
import { expect, test } from 'vitest';
import { fuzz } from './requests.ts';

test('made-up requests over every route are answered, each as it should be', async () => {
  const report = await fuzz({ count: 600, seed: 7 });
  expect(report.findings).toEqual([]);
  expect(report.sent).toBe(600);
  expect(report.operations.succeeded + report.operations.never.length).toBeGreaterThan(80);
  expect(report.operations.succeeded).toBeGreaterThan(40);
});
