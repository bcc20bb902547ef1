// Walking a protocol: every unit once, in order, on the version that it goes on from, however often whoever walks it dies.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Protocol } from '../wire/protocols.ts';
import { isStream, type ProtocolUnit, planProtocol } from './protocol-plan.ts';
import { walkProtocol } from './protocol-walk.ts';

const protocols: fc.Arbitrary<Protocol | null> = fc.oneof(
  fc.constant(null),
  fc.constant({ kind: 'single' as const }),
  fc.record({ kind: fc.constant('batch' as const), size: fc.integer({ min: 1, max: 9 }) }),
  fc.record({ kind: fc.constant('lifelong' as const), batch: fc.integer({ min: 1, max: 5 }) }),
  fc.record({ kind: fc.constant('efficiency' as const), answers: fc.integer({ min: 1, max: 9 }) }),
);
const numbers = fc.record({ cases: fc.integer({ min: 1, max: 40 }), watched: fc.integer({ min: 0, max: 5 }) });

class Died extends Error {}

/** A version is the cases whose edits are in it; a finding is what a unit measured, on which version. */
async function walk(
  protocol: Protocol | null,
  units: readonly ProtocolUnit[],
  found: Map<number, string>,
  life: number,
): Promise<void> {
  const casesOf = ({ first, from, to }: ProtocolUnit) => Array.from({ length: to - from }, (_, index) => first + index);
  let left = life;
  const keep = (unit: ProtocolUnit, version: readonly number[]) => {
    if (left-- === 0) throw new Died();
    expect(found.has(unit.from)).toBe(false);
    found.set(unit.from, `${unit.kind} ${casesOf(unit)} on ${version}`);
  };
  const blocks: number[] = [];
  await walkProtocol<number, readonly number[]>(
    protocol,
    units,
    {
      open: (some) => {
        blocks.push(some.length);
        return some.filter(({ from }) => !found.has(from)).map((unit) => ({ unit, cases: casesOf(unit) }));
      },
      from: ({ from }) =>
        isStream(protocol)
          ? units.flatMap((unit) => (unit.kind === 'make' && unit.from < from ? casesOf(unit) : []))
          : [],
      make: async (open, version) => {
        for (const { unit } of open) keep(unit, [...version, ...casesOf(unit)]);
        return [...version, ...open.flatMap(({ cases }) => cases)];
      },
      ask: async ({ unit }, version) => keep(unit, version),
    },
    8,
  );
  if (isStream(protocol)) expect(Math.max(...blocks)).toBe(1);
}

test('whoever goes on finds what one walk would have found, each unit on its own version', async () => {
  await fc.assert(
    fc.asyncProperty(
      protocols,
      numbers,
      fc.array(fc.integer({ min: 0, max: 20 })),
      async (protocol, { cases, watched }, lives) => {
        const units = planProtocol(protocol, cases, { watched, block: 8 });
        const whole = new Map<number, string>();
        await walk(protocol, units, whole, Infinity);
        expect([...whole.keys()]).toEqual(units.map(({ from }) => from));
        const inParts = new Map<number, string>();
        for (const life of lives)
          await walk(protocol, units, inParts, life).catch((error) => expect(error).toBeInstanceOf(Died));
        await walk(protocol, units, inParts, Infinity);
        expect(inParts).toEqual(whole);
      },
    ),
  );
});

test('a stream grows from unit to unit, and nothing else does', async () => {
  const found = async (protocol: Protocol | null, cases: number) => {
    const findings = new Map<number, string>();
    await walk(protocol, planProtocol(protocol, cases), findings, Infinity);
    return [...findings.values()];
  };
  expect(await found(null, 3)).toEqual(['ask 0,1,2 on ']);
  expect(await found({ kind: 'batch', size: 2 }, 3)).toEqual(['make 0,1 on 0,1', 'make 2 on 2']);
  expect(await found({ kind: 'lifelong', batch: 2 }, 3)).toEqual([
    'make 0,1 on 0,1',
    'ask 0,1 on 0,1',
    'make 2 on 0,1,2',
    'ask 0,1,2 on 0,1,2',
  ]);
  expect(await found({ kind: 'efficiency', answers: 1, checkpoints: [2] }, 2)).toEqual([
    'make 0 on 0',
    'make 1 on 0,1',
    'ask 0 on 0,1',
  ]);
});
