// Milliseconds for the verbs of a history of 10,000 versions against one of 10, and bytes an edit.
import { performance } from 'node:perf_hooks';
import {
  branchLog,
  compareChains,
  editsBetween,
  findPlace,
  getVersion,
  listVersions,
  moveAt,
  planRollback,
  sourceAt,
  versionLineage,
} from '@errata/lineage';
import { commitMadeEdit, commitMadeRollback, deltaBytes, hold, importMadeModel } from '../test/support/history.ts';
import { copyLastEdit, type MadeEdit, noteSnapshot, openBenchDatabase } from './history.ts';
import { median } from './median.ts';

const snapshotEvery = 16;
const short = 10;
/** Of the long history at most, half of them at its beginning and half at its end. */
const committedAtEnds = 200;
/** Times that a verb is carried out, and once before. Together they are even: a reset goes there and back. */
const repeats = 9;
/** What a verb may cost behind a long history, in times of what it costs behind a short one. */
const bar = 2;

/** What is done `before` is not timed. */
interface Verb<History> {
  readonly name: string;
  readonly work: (history: History) => Promise<unknown>;
  readonly before?: (history: History) => Promise<void>;
}

/** @param args versions of the long history, 10,000 unless given */
export async function main(args: readonly string[]): Promise<void> {
  const long = Number(args[0] ?? 10_000);
  const { db, query, close } = await openBenchDatabase();
  try {
    const grow = async (name: string, versions: number) => {
      const branch = await importMadeModel(db, name);
      const lease = await hold(db, branch.lane);
      const history: MadeEdit[] = [];
      const commit = async (count: number) => {
        for (let n = 0; n < count; n++) history.push(await commitMadeEdit(db, branch, lease));
      };
      const committed = versions <= short ? versions : Math.min(committedAtEnds, Math.ceil(versions / 2));
      await commit(Math.ceil(committed / 2));
      if (versions > committed) history.push(...(await copyLastEdit(db, branch, versions - committed)));
      await commit(Math.floor(committed / 2));
      for (let n = snapshotEvery; n <= versions; n += snapshotEvery)
        await noteSnapshot(db, branch, history[n - 1]!.version);
      await query('ANALYZE');
      return { branch, lease, history, moves: versions + 1 };
    };
    const histories = [await grow('short', short), await grow('long', long)] as const;
    type History = (typeof histories)[number];
    const bytes = await databaseBytes();

    const tipOf = async ({ branch }: History, version: string) => (await findPlace(db, version, branch.model)).tip;
    const middleOf = ({ history }: History) => Math.floor((history.length - 1) / 2);
    const compare = async (history: History, one: number, other: number) => {
      const [from, to] = [history.history.at(one)!.version, history.history.at(other)!.version];
      const { added, removed } = await compareChains(db, await tipOf(history, from), await tipOf(history, to));
      return added.length + removed.length;
    };
    const plan = ({ branch }: History, target: Parameters<typeof planRollback>[2]) =>
      planRollback(db, branch.branch, target);

    const edit = async ({ branch, lease, history }: History) => {
      history.push(await commitMadeEdit(db, branch, lease));
    };
    /** To the first version, or from there to the last. */
    const reset = async ({ branch, lease, history }: History) => {
      const { headVersionId } = await db.prisma.branch.findUniqueOrThrow({ where: { id: branch.branch } });
      const [first, last] = [history[0]!.version, history.at(-1)!.version];
      const to_version = headVersionId === first ? last : first;
      await commitMadeRollback(db, branch, lease, { mode: 'reset', to_version });
    };
    const revertLast = async ({ branch, lease, history }: History) => {
      await commitMadeRollback(db, branch, lease, { mode: 'exact', revert_edit_ids: [history.pop()!.edit] });
    };
    /** Every move of the range is good before one that nobody knows, and bad from it on. */
    const bisect = async ({ branch: { branch, digest }, moves }: History) => {
      let [good, bad] = [1, moves];
      const firstBad = Math.ceil(bad * 0.62);
      let asked = 2;
      await moveAt(db, branch, good);
      await moveAt(db, branch, bad);
      while (bad - good > 1) {
        const middle = Math.floor((good + bad) / 2);
        const { tip } = await moveAt(db, branch, middle);
        await sourceAt(db, digest, tip);
        asked += 1;
        if (middle >= firstBad) bad = middle;
        else good = middle;
      }
      await editsBetween(db, await moveAt(db, branch, good), await moveAt(db, branch, bad));
      return asked;
    };

    const touching: readonly Verb<History>[] = [
      { name: 'log, the newest 20', work: ({ branch }) => branchLog(db, branch.branch, { limit: 20 }) },
      {
        name: 'log, 20 from the middle',
        work: ({ branch, moves }) =>
          branchLog(db, branch.branch, { limit: 20, after: String(Math.round(moves / 2) + 5) }),
      },
      {
        name: 'show a version',
        work: (history) => getVersion(db, history.history[middleOf(history)]!.version),
      },
      { name: 'versions, the newest 20', work: ({ branch }) => listVersions(db, branch.model, { limit: 20 }) },
      {
        name: 'lineage, 20 back from the head',
        work: ({ branch, history }) => versionLineage(db, { id: history.at(-1)!.version, model_id: branch.model }, 20),
      },
      {
        name: 'how to open the head',
        work: async (history) =>
          sourceAt(db, history.branch.digest, await tipOf(history, history.history.at(-1)!.version)),
      },
      {
        name: 'diff of neighbours',
        work: (history) => compare(history, middleOf(history), middleOf(history) + 1),
      },
      { name: 'diff of versions 8 edits apart', work: (history) => compare(history, -9, -1) },
      { name: 'commit one edit', work: edit },
      { name: 'revert the last edit, exactly', before: edit, work: revertLast },
      {
        name: 'revert 8 edits back, exactly: plan of 7 replays',
        work: (history) => plan(history, { mode: 'exact', revert_edit_ids: [history.history.at(-8)!.edit] }),
      },
      { name: 'reset to the first version, or from it to the last', work: reset },
    ];
    const rows: string[] = [];
    const over: string[] = [];
    for (const { name, work, before } of touching) {
      const times = histories.map((): number[] => []);
      for (let i = 0; i <= repeats; i++) {
        for (const [index, history] of histories.entries()) {
          await before?.(history);
          const ms = await timed(() => work(history));
          if (i > 0) times[index]!.push(ms);
        }
      }
      const [few, many] = times.map(median) as [number, number];
      rows.push(`| ${name} | ${milliseconds(few)} | ${milliseconds(many)} | ${(many / few).toFixed(1)} x |`);
      if (many > bar * few) over.push(`${name} (${(many / few).toFixed(1)} x)`);
    }

    const growing: readonly Verb<History>[] = [
      { name: 'bisect of the whole range, without its model calls', work: bisect },
      { name: 'diff of the first version and the head', work: (history) => compare(history, 0, -1) },
      {
        name: 'revert the first edit, by subtraction: plan',
        work: (history) => plan(history, { mode: 'subtract', revert_edit_ids: [history.history[0]!.edit] }),
      },
      {
        name: 'revert the first edit, exactly: plan of all replays',
        work: (history) => plan(history, { mode: 'exact', revert_edit_ids: [history.history[0]!.edit] }),
      },
    ];
    for (const { name, work } of growing) {
      const cells: string[] = [];
      for (const history of histories) {
        const result = await work(history);
        const times: number[] = [];
        for (let i = 0; i < 3; i++) times.push(await timed(() => work(history)));
        const asked = work === bisect ? ` (${result} versions to ask)` : '';
        cells.push(`${milliseconds(median(times))}${asked}`);
      }
      rows.push(`| ${name} | ${cells.join(' | ')} | |`);
    }

    const [{ snapshots }] = (await query('SELECT count(*)::integer AS snapshots FROM snapshots')) as [
      { snapshots: number },
    ];
    const perEdit = Math.round(bytes / (long + short));
    console.log(`The first and the last ${Math.min(committedAtEnds, Math.ceil(long / 2)) / 2} versions were committed through the path that workers take: submit, take, move twice, commit. Those between
are copies of such rows, and the whole was checked. Snapshots noted every ${snapshotEvery} versions; ${snapshots} are left after thinning. Commits, resets and reverts are timed from the request to the committed version.
Median of ${repeats}, the two histories in turn; the last four rows, where the work grows with what is asked for, of 3.

| | ${short} versions | ${long} versions | |
|---|---|---|---|
${rows.join('\n')}

Nothing here opens a model: bisect asks as many versions besides as its row says, diffs are those of edits and deltas, and replays
take what solving takes.

${perEdit} bytes an edit in the database, all tables and indexes; its delta is a blob of ${deltaBytes} (rank one, GPT-2 small): ${(perEdit / deltaBytes).toFixed(2)} x.
Bar, a verb that touches a few versions costs at most ${bar} x what it costs behind ${short}: ${
      over.length === 0 ? `kept by all ${touching.length}` : `not kept by ${over.join(', ')}`
    }.`);

    async function databaseBytes(): Promise<number> {
      const [{ total }] = (await query(
        `SELECT sum(pg_total_relation_size(oid))::float8 AS total FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace`,
      )) as [{ total: number }];
      return total;
    }
  } finally {
    await close();
  }
}

const milliseconds = (ms: number) => `${ms.toFixed(ms < 10 ? 1 : 0)} ms`;

async function timed(action: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await action();
  return performance.now() - begun;
}
