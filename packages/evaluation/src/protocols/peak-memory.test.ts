// Peaks of memory: what came before is not laid to what comes after.
import { expect, it } from 'vitest';
import { watchMemory } from './peak-memory.ts';

it('begins anew with every watch', () => {
  const ofBoth = watchMemory();
  const size = 400 << 20;
  // Filled, since untouched pages take no memory.
  let held: Uint8Array | undefined = new Uint8Array(new ArrayBuffer(size)).fill(1);
  const large = ofBoth();
  expect(large).toBeGreaterThan(held.length);
  held = undefined;
  expect(watchMemory()()).toBeLessThanOrEqual(large);
});
