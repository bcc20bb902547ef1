// The tables of a report, laid out as the papers lay theirs out.
import { costMetrics } from '../statistics/cost-metrics.ts';
import { type At, figure, figureBefore, figureChange } from './figures.ts';
import { lastPlace, type ReportRun } from './report.ts';
import type { Cell, Column, Row, Table } from './table.ts';

/** A column and the metric in it. */
interface MetricColumn extends Column {
  readonly metric: string;
  /** Show by how much it changed since the parent instead. */
  readonly change?: true;
}

const share = { format: 'share', better: 'higher' } as const;

const inGroup = (group: string, reading: string): readonly MetricColumn[] =>
  [
    ['Reliability', 'reliability'],
    ['Generalization', 'generalization'],
    ['Locality', 'locality'],
    ['Portability', 'portability'],
  ].map(([title, stem]) => ({ ...share, group, title: title!, metric: `${stem}.${reading}` }));

const editColumns: readonly MetricColumn[] = [
  ...inGroup('the answer given, by token', 'token'),
  ...inGroup('free generation', 'exact'),
  { group: 'the model', title: 'Fluency', metric: 'ngram_entropy', format: 'entropy', better: 'higher' },
  { group: 'the model', title: 'Perplexity', metric: 'perplexity', format: 'number', better: 'lower' },
];

const romeColumns: readonly MetricColumn[] = [
  { ...share, title: 'S', metric: 'rome_score', about: 'harmonic mean of ES, PS and NS' },
  { ...share, title: 'ES', metric: 'efficacy.score', group: 'efficacy' },
  { title: 'EM', metric: 'efficacy.magnitude', group: 'efficacy', format: 'points', better: 'higher' },
  { ...share, title: 'PS', metric: 'paraphrase.score', group: 'paraphrase' },
  { title: 'PM', metric: 'paraphrase.magnitude', group: 'paraphrase', format: 'points', better: 'higher' },
  { ...share, title: 'NS', metric: 'neighbourhood.score', group: 'neighbourhood' },
  { title: 'NM', metric: 'neighbourhood.magnitude', group: 'neighbourhood', format: 'points', better: 'higher' },
  { title: 'GE', metric: 'ngram_entropy', group: 'generated text', format: 'entropy', better: 'higher' },
  { ...share, title: 'RS', metric: 'reference_score', group: 'generated text' },
  {
    title: 'ED',
    metric: 'essence.perplexity',
    change: true,
    group: 'essence',
    format: 'number',
    better: 'lower',
    about: 'by how much the perplexity of texts about the subject rose',
  },
];

const streamColumns: readonly MetricColumn[] = (
  [
    ['token', 'the answer given, by token'],
    ['exact', 'free generation'],
  ] as const
).flatMap(([reading, group]) =>
  (
    [
      ['SR', 'success', 'success right after each edit'],
      ['ER', 'retention', 'all edits, tested after the last'],
      ['GR', 'generalization', 'rephrases right after each edit'],
      ['TRR', 'test_retention', 'test questions answered rightly after the last edit'],
      ['ARR', 'accurate_retention', 'of the test questions answered rightly before the first edit'],
    ] as const
  ).map(([title, id, about]) => ({ ...share, group, title, about, metric: `stream.${id}.${reading}` })),
);

/** Rows are compared where they say the same: for each of these places, a row a run. */
interface Section {
  readonly title: string | undefined;
  readonly rows: readonly { readonly run: ReportRun; readonly at: At }[];
}

const count = (edits: number) => `${edits.toLocaleString('en-US')} ${edits === 1 ? 'edit' : 'edits'}`;

/** Right after each edit; after 1, 10, 100 ... edits; after the last. */
export function sectionsOf(runs: readonly ReportRun[]): readonly Section[] {
  const sections = new Map<string, { title: string; order: number; rows: { run: ReportRun; at: At }[] }>();
  const put = (title: string, order: number, run: ReportRun, at: At) => {
    const section = sections.get(title) ?? { title, order, rows: [] };
    sections.set(title, section);
    section.rows.push({ run, at });
  };
  for (const run of runs) {
    const last = lastPlace(run)?.edits ?? 0;
    for (const at of run.places) {
      const decade = Number.isInteger(Math.log10(at.edits));
      if (run.manifest.editor === 'none') continue;
      if (at.moment === 'once')
        put(run.manifest.protocol.kind === 'single' ? 'one edit at a time' : 'right after each edit', -1, run, at);
      else if (run.manifest.protocol.kind === 'batch') put(`batches of ${count(at.edits)}`, at.edits, run, at);
      else if (decade || at.edits === last) put(`after ${count(at.edits)}`, at.edits, run, at);
    }
  }
  const sorted = [...sections.values()].sort((a, b) => a.order - b.order);
  return sorted.map(({ title, rows }) => ({ title: sorted.length === 1 ? undefined : title, rows }));
}

/** The model as it was: from a run without an editor, or from what the others say of it. */
function unedited(runs: readonly ReportRun[], columns: readonly MetricColumn[]): Row {
  const asIs = runs.find(({ manifest }) => manifest.editor === 'none');
  const cells = columns.map(({ metric, change }): Cell | null => {
    if (change) return null;
    if (asIs !== undefined) {
      // The model agrees with itself: a figure that says nothing.
      return metric.startsWith('locality') ? null : figure(asIs, metric, { moment: 'once', edits: 0 });
    }
    for (const run of runs) {
      for (const place of [...run.places].reverse()) {
        // Right after an edit of a stream, the parent has all edits before it.
        if (place.moment === 'once' && run.manifest.protocol.kind === 'lifelong') continue;
        const before = figureBefore(run, metric, place);
        if (before !== null) return before;
      }
    }
    return null;
  });
  return { name: 'no edit', reference: true, cells };
}

function metricTable(
  title: string,
  note: string,
  runs: readonly ReportRun[],
  columns: readonly MetricColumn[],
  sections: readonly Section[],
): Table {
  // Of one run alone, the rows are its places.
  const alone = new Set(sections.flatMap(({ rows }) => rows.map(({ run }) => run))).size === 1;
  const rows = sections.flatMap(({ title: section, rows: places }) =>
    places.map(
      ({ run, at }): Row => ({
        name: alone && section !== undefined ? section : run.labels.name,
        ...(!alone && section !== undefined && { section }),
        cells: columns.map(({ metric, change }) => (change ? figureChange : figure)(run, metric, at)),
      }),
    ),
  );
  return { title, note, columns, rows: [unedited(runs, columns), ...rows], rivals: !alone };
}

/** All sections with their last place alone. */
const lastSection = (runs: readonly ReportRun[]): readonly Section[] => [
  {
    title: undefined,
    rows: runs.flatMap((run) => {
      const at = lastPlace(run);
      return at === undefined || run.manifest.editor === 'none' ? [] : [{ run, at }];
    }),
  },
];

/** Names of the metrics of these stems that any run has, `stem.kind.reading`. */
function kindColumns(runs: readonly ReportRun[], stems: readonly string[], reading: string): readonly MetricColumn[] {
  const ids = new Set(runs.flatMap(({ means }) => means.map(({ metric }) => metric)));
  return stems.flatMap((stem) =>
    [...ids]
      .filter((id) => id.startsWith(`${stem}.`) && id.endsWith(`.${reading}`) && id.split('.').length === 3)
      .map((id) => ({ ...share, group: stem, title: id.split('.')[1]!.replaceAll('_', ' '), metric: id })),
  );
}

/** Scores to quote of each ability task: the first that the task declares, and the most usual of reading. */
function abilityColumns(runs: readonly ReportRun[]): readonly MetricColumn[] {
  const ids = [...new Set(runs.flatMap(({ means }) => means.map(({ metric }) => metric)))];
  return ids
    .filter((id) => id.startsWith('ability.'))
    .map((id) => {
      const [, task = '', score = ''] = id.split('.');
      return { ...share, group: task.replaceAll('_', ' '), title: score.replaceAll('_', ' '), metric: id };
    });
}

function otherColumns(runs: readonly ReportRun[], stem: string): readonly MetricColumn[] {
  const ids = [...new Set(runs.flatMap(({ means }) => means.map(({ metric }) => metric)))];
  return ids
    .filter((id) => id.startsWith(`${stem}.`))
    .map((id) => ({ ...share, title: id.split('.')[1]!.replaceAll('_', ' '), metric: id }));
}

function costTable(runs: readonly ReportRun[]): Table {
  const columns: readonly (Column & { readonly metric: string })[] = [
    { group: 'an edit', title: 'Time', metric: 'cost.edit_seconds', format: 'seconds', better: 'lower' },
    { group: 'an edit', title: 'Stored', metric: 'cost.stored_bytes', format: 'bytes', better: 'lower' },
    { group: 'an answer', title: 'Time', metric: 'cost.answer_seconds', format: 'seconds' },
    { group: 'an answer', title: 'Tokens', metric: 'cost.answer_tokens', format: 'count' },
    { group: 'the run', title: 'Edits', metric: 'edits', format: 'count' },
    { group: 'the run', title: 'Answers', metric: 'answers', format: 'count' },
    { group: 'the run', title: 'Editing', metric: 'edit_seconds', format: 'seconds' },
    { group: 'the run', title: 'Asking', metric: 'answer_seconds', format: 'seconds' },
    { group: 'the run', title: 'Peak memory', metric: 'cost.peak_memory', format: 'bytes' },
  ];
  return {
    title: 'Cost',
    note: 'Measured on the machine at hand, answers in batches; what came out of a cache is not counted. Costs take no part in digests.',
    columns,
    rivals: true,
    rows: runs.map(({ labels, cost }) => {
      const found: Readonly<Record<string, number | undefined>> = { ...cost, ...costMetrics(cost) };
      return {
        name: labels.name,
        cells: columns.map(({ metric }) => {
          const value = found[metric];
          return value === undefined ? null : { value: metric === 'cost.answer_tokens' ? Math.round(value) : value };
        }),
      };
    }),
  };
}

/** What edits and answers cost as edits pile up. */
function efficiencyTable(runs: readonly ReportRun[]): Table {
  const columns: readonly Column[] = [
    { group: 'an edit', title: 'Time', format: 'seconds', better: 'lower' },
    { group: 'an edit', title: 'Stored', format: 'bytes', better: 'lower' },
    { group: 'an answer', title: 'Time', format: 'seconds', better: 'lower' },
    { group: 'an answer', title: 'Unedited', format: 'seconds' },
    { group: 'an answer', title: 'Times as long', format: 'number', better: 'lower' },
  ];
  const alone = runs.length === 1;
  const counts = [...new Set(runs.flatMap(({ efficiency }) => efficiency.map(({ edits }) => edits)))];
  const rows = counts
    .sort((a, b) => a - b)
    .flatMap((edits) =>
      runs.flatMap(({ labels, efficiency }): Row[] => {
        const step = efficiency.find((each) => each.edits === edits);
        if (step === undefined) return [];
        const { edit_seconds, stored_bytes, answer_seconds, base_answer_seconds } = step;
        const values = [
          edit_seconds,
          stored_bytes,
          answer_seconds,
          base_answer_seconds,
          answer_seconds / base_answer_seconds,
        ];
        const when = `after ${count(edits)}`;
        return [
          {
            name: alone ? when : labels.name,
            ...(!alone && { section: when }),
            cells: values.map((value) => ({ value })),
          },
        ];
      }),
    );
  return {
    title: 'Efficiency',
    note: 'Edits in sequence; answers one at a time, without batches, the edited and the unedited model by turns.',
    columns,
    rows,
    rivals: !alone,
  };
}

/** All tables of runs that are comparable: of one model, on the same data, under one kind of protocol. */
export function metricTables(runs: readonly ReportRun[]): readonly Table[] {
  const sections = sectionsOf(runs);
  const kinds = [...kindColumns(runs, ['locality', 'portability'], 'token').map((column) => ({ ...column }))];
  const tables = [
    metricTable(
      'Edits',
      'Means over cases in per cent, with 95 % bootstrap intervals. Locality is agreement with the parent, not with the truth. Given the answer, a model is told its length and earlier tokens; by free generation it has to find it alone, and the answer must be the target or a listed spelling of it.',
      runs,
      editColumns,
      sections,
    ),
    metricTable(
      'CounterFact, as ROME reports it',
      'How often the new answer is likelier than the true one (on neighbours: the other way round) and by how much; a model that tells nothing apart is at 50. GE is n-gram entropy, RS the tf-idf likeness to texts about subjects of which the new answer is true, ED the rise of the perplexity of texts about the subject.',
      runs,
      romeColumns,
      sections,
    ),
    ...(isStream(runs)
      ? [
          metricTable(
            'The stream',
            'SR tests each edit right after it was made, ER all of them after the last: what lies between them was forgotten.',
            runs,
            streamColumns,
            lastSection(runs),
          ),
        ]
      : []),
    metricTable('By kind of probe', 'By token, at the end of the protocol.', runs, kinds, lastSection(runs)),
    metricTable(
      'Multi-hop questions',
      'By free generation, as MQuAKE defines them.',
      runs,
      otherColumns(runs, 'multi_hop'),
      lastSection(runs),
    ),
    metricTable(
      'Ripple effects',
      'Tests that count: those whose conditions held before the edit.',
      runs,
      otherColumns(runs, 'ripple'),
      lastSection(runs),
    ),
    metricTable(
      'General ability',
      'Every item of every task, at the end of the protocol.',
      runs,
      abilityColumns(runs),
      lastSection(runs),
    ),
  ];
  // A table in which no edited model has a figure says nothing of edits.
  return [
    ...tables.filter(
      ({ rows }) => rows.some((row) => !row.reference && row.cells.some((cell) => cell !== null)) || isAsIs(runs),
    ),
    ...(runs.some(({ efficiency }) => efficiency.length > 0) ? [efficiencyTable(runs)] : []),
    costTable(runs),
  ];
}

const isStream = (runs: readonly ReportRun[]): boolean =>
  runs.some(({ manifest }) => manifest.editor !== 'none' && manifest.protocol.kind === 'lifelong');

const isAsIs = (runs: readonly ReportRun[]): boolean => runs.every(({ manifest }) => manifest.editor === 'none');
