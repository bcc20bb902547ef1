// Whose turn is next: by worker time that fades, then by waiting; and what the database says of both.
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

test('the key that has had least comes first, and of its lanes the one that has waited longest', () => {
  const had = new Map([
    ['much', 5 * minute],
    ['little', minute],
  ]);
  const lanes = [
    { key: 'much', waitedMs: 60 * minute },
    { key: 'little', waitedMs: 1 },
    { key: 'little', waitedMs: 2 },
    { key: null, waitedMs: 0 },
  ];
  expect(lanes.toSorted(byTurn(had))).toEqual([lanes[3], lanes[2], lanes[1], lanes[0]]);
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
