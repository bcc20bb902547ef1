// Peaks of memory: what came before is not laid to what comes after.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { watchMemory } from './peak-memory.ts';

/** Memory goes back when it is collected, which nobody can wait for. */
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const size = 400 << 20;
// Filled, since untouched pages take no memory; in a function, whose end lets go of it.
const fill = () => new Uint8Array(size).fill(1).length;

// What comes and goes unseen is known to Linux alone.
it.skipIf(process.platform !== 'linux')('begins anew with every watch, and takes nothing from those that go on', () => {
  const ofBoth = watchMemory();
  fill();
  collect();
  const ofSecond = watchMemory();
  expect(ofBoth()).toBeGreaterThan(size);
  expect(ofSecond()).toBeLessThan(ofBoth() - size / 2);
});
