// Whose turn is next: by worker time that fades, then by waiting; and what the database says of both.
import type { Priority } from '@errata/contracts';
import { afterAll, expect, test } from 'vitest';
import { importModel, madeEdit, openFixture, submitEdits, waitingIds } from '../lineage.fixture.ts';
import { acquireLease, releaseLease } from './leases.ts';
import { byTurn, countedMs, fadedMs, halfLifeMs } from './turn-order.ts';

const fixture = await openFixture();
const { db, query } = fixture;
afterAll(fixture.close);

const minute = 60_000;

test('worker time counts half after a half-life, and what is long ago does not count', () => {
  expect(fadedMs(1_000, 0)).toBe(1_000);
  expect(fadedMs(1_000, halfLifeMs)).toBe(500);
  expect(fadedMs(1_000, 20 * halfLifeMs)).toBeLessThan(0.001);
  // A clock that is behind makes nothing count for more.
  expect(fadedMs(1_000, -halfLifeMs)).toBe(1_000);
});

test('time that was spent without a break counts as its parts would, each faded by itself', () => {
  const step = 1_000;
  for (const spent of [step, 10 * minute, 300 * minute]) {
    let sum = 0;
    for (let at = 0; at < spent; at += step) sum = fadedMs(sum, step) + countedMs(step);
    expect(countedMs(spent) / sum).toBeCloseTo(1, 9);
  }
  expect(countedMs(24 * 60 * minute)).toBeCloseTo(halfLifeMs / Math.LN2, 6);
});

const had = new Map([
  ['much', 5 * minute],
  ['little', minute],
]);
/** Lanes in the order of their turns, as `key priority minutes`. */
const ordered = (...lanes: readonly string[]) =>
  lanes
    .map((text) => {
      const [key, priority, waited] = text.split(' ');
      return { text, key: key!, priority: priority as Priority, waitedMs: Number(waited) * minute };
    })
    .sort(byTurn(had))
    .map(({ text }) => text);

test('the key that has had least comes first, and of its lanes the one that has waited longest', () => {
  expect(ordered('much normal 29', 'little normal 1', 'little normal 2', 'nobody normal 0')).toEqual([
    'nobody normal 0',
    'little normal 2',
    'little normal 1',
    'much normal 29',
  ]);
});

test('a priority is among the lanes of a key, low behind those of everybody, and waiting raises it', () => {
  const lanes = ['little high 0', 'little normal 29', 'much high 0', 'much normal 1', 'little low 29', 'much low 0'];
  expect(ordered(...lanes.toReversed())).toEqual(lanes);
  expect(ordered('little high 0', 'little normal 30', 'little low 60')).toEqual([
    'little low 60',
    'little normal 30',
    'little high 0',
  ]);
  expect(ordered('much normal 0', 'little low 30', 'little normal 0')).toEqual([
    'little low 30',
    'little normal 0',
    'much normal 0',
  ]);
});

test('a lane is as urgent as the most urgent of its jobs', async () => {
  const [late, urgent, low] = [
    await importModel(db, 'late'),
    await importModel(db, 'urgent'),
    await importModel(db, 'low'),
  ];
  for (const [name, priority] of [
    ['low', 'low'],
    ['late', 'normal'],
    ['urgent', 'normal'],
    ['urgent', 'high'],
  ] as const)
    await submitEdits(db, name, [madeEdit(`${name} ${priority}`)], { priority });
  expect(await waitingIds(db)).toEqual([urgent.lane, late.lane, low.lane]);
  await query(`UPDATE jobs SET available_at = now() - interval '1 hour' WHERE lane_id = $1`, [low.lane]);
  await query(`UPDATE lanes SET changed_at = now() - interval '1 hour' WHERE id = $1`, [low.lane]);
  expect(await waitingIds(db)).toEqual([low.lane, urgent.lane, late.lane]);
  await query(`UPDATE jobs SET state = 'cancelled', finished_at = now() WHERE state = 'queued'`);
});

test('time spent at a lane counts against whoever asked, from the moment it is taken, and fades', async () => {
  const [greedy, modest] = [await importModel(db, 'greedy'), await importModel(db, 'modest')];
  for (const name of ['greedy', 'modest'])
    for (const id of ['a', 'b']) {
      await submitEdits(db, name, [madeEdit(id)]);
      await query('UPDATE jobs SET created_by = $1 WHERE lane_id = $2', [
        name,
        name === 'greedy' ? greedy.lane : modest.lane,
      ]);
    }
  const waiting = async () => (await waitingIds(db)).filter((lane) => lane === greedy.lane || lane === modest.lane);
  // Nobody has had anything: who has waited longest.
  expect(await waiting()).toEqual([greedy.lane, modest.lane]);
  const lease = (await acquireLease(db, greedy.lane, 'w', 60_000))!;
  await releaseLease(db, lease, new Map([['greedy', 2 * minute]]));
  const one = (await acquireLease(db, modest.lane, 'w', 60_000))!;
  await releaseLease(db, one, new Map([['modest', minute]]));
  expect(await waiting()).toEqual([modest.lane, greedy.lane]);
  await releaseLease(db, (await acquireLease(db, modest.lane, 'w', 60_000))!, new Map([['modest', 90_000]]));
  expect(await waiting()).toEqual([greedy.lane, modest.lane]);
  const [row] = await query(`SELECT ms FROM worker_time WHERE key = 'modest'`);
  expect(Number(row!.ms) / (countedMs(minute) + countedMs(90_000))).toBeCloseTo(1, 2);

  // What was spent two half-lives before counts a quarter when more is added to it.
  await query(
    `UPDATE worker_time SET ms = 60000, counted_at = counted_at - $1 * interval '1 ms' WHERE key = 'modest'`,
    [2 * halfLifeMs],
  );
  await releaseLease(db, (await acquireLease(db, modest.lane, 'w', 60_000))!, new Map([['modest', 1_000]]));
  const [faded] = await query(`SELECT ms FROM worker_time WHERE key = 'modest'`);
  expect(Number(faded!.ms) / (15_000 + countedMs(1_000))).toBeCloseTo(1, 1);
  expect(await waiting()).toEqual([modest.lane, greedy.lane]);

  // A worker that is at another lane of the key, and has not ended.
  const other = await importModel(db, 'other');
  await submitEdits(db, 'other', [madeEdit('a')]);
  await query(`UPDATE jobs SET created_by = 'modest' WHERE lane_id = $1`, [other.lane]);
  expect(await acquireLease(db, other.lane, 'w', 60_000)).not.toBeNull();
  await query(`UPDATE lanes SET changed_at = now() - interval '5 minutes' WHERE id = $1`, [other.lane]);
  expect(await waiting()).toEqual([greedy.lane, modest.lane]);
});
