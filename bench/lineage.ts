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
import { commitMadeEdit, deltaBytes, hold, importMadeModel } from '../test/support/history.ts';
import { noteSnapshot, openBenchDatabase } from './history.ts';
import { median } from './median.ts';

const snapshotEvery = 16;

export async function main(args: readonly string[]): Promise<void> {
  const long = Number(args[0] ?? 10_000);
  const short = 10;
  const repeats = 9;
  const { db, query, close } = await openBenchDatabase();
  try {
    const grow = async (name: string, versions: number) => {
      const branch = await importMadeModel(db, name);
      const lease = await hold(db, branch.lane);
      const history: { version: string; edit: string }[] = [];
      const began = performance.now();
      for (let n = 1; n <= versions; n++) {
        history.push(await commitMadeEdit(db, branch, lease));
        if (n % snapshotEvery === 0) await noteSnapshot(db, branch);
        if (n % 1000 === 0) {
          const seconds = (performance.now() - began) / 1000;
          process.stderr.write(`${n} of ${versions} versions, ${seconds.toFixed(0)} s\n`);
        }
      }
      await query('ANALYZE');
      return { branch, lease, history };
    };
    const histories = [await grow('short', short), await grow('long', long)] as const;
    type History = (typeof histories)[number];

    const versionAt = ({ history }: History, place: number) =>
      history[Math.min(history.length - 1, Math.max(0, Math.round(place * (history.length - 1))))]!;
    const tipOf = async ({ branch }: History, version: string) => (await findPlace(db, version, branch.model)).tip;
    const compare = async (history: History, one: string, other: string) => {
      const { added, removed } = await compareChains(db, await tipOf(history, one), await tipOf(history, other));
      return added.length + removed.length;
    };
    const plan = ({ branch }: History, target: Parameters<typeof planRollback>[2]) =>
      planRollback(db, branch.branch, target);

    /** Every version of the range is good before a move that nobody knows, and bad from it on. */
    const bisect = async (history: History) => {
      const { branch, digest } = history.branch;
      let [good, bad] = [1, history.history.length + 1];
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

    type Verb = readonly [name: string, work: (history: History) => Promise<unknown>];
    const verbs: readonly Verb[] = [
      ['log, the newest 20', ({ branch }) => branchLog(db, branch.branch, { limit: 20 })],
      [
        'log, 20 from the middle',
        (history) =>
          branchLog(db, history.branch.branch, {
            limit: 20,
            after: String(Math.round(history.history.length / 2) + 5),
          }),
      ],
      ['show a version', async (history) => getVersion(db, versionAt(history, 0.5).version)],
      ['versions, the newest 20', ({ branch }) => listVersions(db, branch.model, { limit: 20 })],
      [
        'lineage, 20 back from the head',
        ({ branch, history }) => versionLineage(db, { id: history.at(-1)!.version, model_id: branch.model }, 20),
      ],
      [
        'how to open the head',
        async (history) => sourceAt(db, history.branch.digest, await tipOf(history, versionAt(history, 1).version)),
      ],
      [
        'diff of neighbours',
        (history) =>
          compare(
            history,
            versionAt(history, 0.5).version,
            history.history[Math.round((history.history.length - 1) / 2) + 1]!.version,
          ),
      ],
      [
        'diff of versions 8 edits apart',
        ({ branch, history, lease }) =>
          compare({ branch, history, lease }, history.at(-9)!.version, history.at(-1)!.version),
      ],
      [
        'revert the last edit: plan',
        (history) => plan(history, { mode: 'exact', revert_edit_ids: [versionAt(history, 1).edit] }),
      ],
      [
        'revert 8 edits back, exactly: plan of 7 replays',
        (history) => plan(history, { mode: 'exact', revert_edit_ids: [history.history.at(-8)!.edit] }),
      ],
      [
        'reset to the first version: plan',
        (history) => plan(history, { mode: 'reset', to_version: history.history[0]!.version }),
      ],
      ['commit one edit (submit, take, move, commit)', ({ branch, lease }) => commitMadeEdit(db, branch, lease)],
    ];
    const rows: string[] = [];
    for (const [name, work] of verbs) {
      const times = await Promise.all(
        histories.map(async (history) => {
          const measured: number[] = [];
          await work(history);
          for (let i = 0; i < repeats; i++) measured.push(await timed(() => work(history)));
          return median(measured);
        }),
      );
      rows.push(`| ${name} | ${times.map(milliseconds).join(' | ')} | ${(times[1]! / times[0]!).toFixed(1)} x |`);
    }
    for (const [name, work] of [
      ['bisect of the whole range', bisect],
      [
        'diff of the first version and the head',
        (history: History) => compare(history, history.history[0]!.version, history.history.at(-1)!.version),
      ],
      [
        'revert the first edit, by subtraction: plan',
        (history: History) => plan(history, { mode: 'subtract', revert_edit_ids: [history.history[0]!.edit] }),
      ],
      [
        'revert the first edit, exactly: plan of all replays',
        (history: History) => plan(history, { mode: 'exact', revert_edit_ids: [history.history[0]!.edit] }),
      ],
    ] as const) {
      const cells: string[] = [];
      for (const history of histories) {
        const result = await work(history);
        const times: number[] = [];
        for (let i = 0; i < 3; i++) times.push(await timed(() => work(history)));
        const asked = typeof result === 'number' && name.startsWith('bisect') ? ` (${result} evaluations)` : '';
        cells.push(`${milliseconds(median(times))}${asked}`);
      }
      rows.push(`| ${name} | ${cells.join(' | ')} | |`);
    }

    const [{ total }] = (await query(
      `SELECT sum(pg_total_relation_size(oid))::float8 AS total FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace`,
    )) as [{ total: number }];
    const [{ snapshots }] = (await query('SELECT count(*)::integer AS snapshots FROM snapshots')) as [
      { snapshots: number },
    ];
    const perEdit = Math.round(total / (long + short));
    console.log(`Every version was committed through the path that workers take: submit, take, move twice, commit. Snapshots noted every
${snapshotEvery} versions; ${snapshots} are left after thinning. Median of ${repeats}; the last four rows of 3, where the work grows with what is asked for.

| | ${short} versions | ${long} versions | |
|---|---|---|---|
${rows.join('\n')}

${perEdit} bytes an edit in the database, all tables and indexes; its delta is a blob of ${deltaBytes} (rank one, GPT-2 small).`);
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
