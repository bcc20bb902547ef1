// The tables of a report, laid out as the papers lay theirs out.
import { metricCatalogue } from '@errata/contracts';
import { costTable, efficiencyTable } from './cost-tables.ts';
import { type At, casesBehind, columnOf, figure, figureBefore, figureChange } from './figures.ts';
import { lastPlace, type ReportRun } from './runs.ts';
import { type Cell, type Column, countEdits, type Row, type Table } from './table.ts';

/** A column and the metric in it. */
interface MetricColumn extends Column {
  readonly metric: string;
  /** Show by how much it changed since the parent instead. */
  readonly change?: true;
}

/** Free generation first: it is how a model is used. */
const readings = [
  ['exact', 'free generation'],
  ['token', 'the answer given, by token'],
] as const;

const editColumns: readonly MetricColumn[] = [
  ...readings.flatMap(([reading, group]) =>
    ['Reliability', 'Generalization', 'Locality', 'Portability'].map((title) => ({
      ...columnOf(`${title.toLowerCase()}.${reading}`),
      group,
      title,
      short: title.slice(0, 3),
    })),
  ),
  { ...columnOf('ngram_entropy'), group: 'the model', title: 'Fluency' },
  { ...columnOf('perplexity'), group: 'the model', title: 'Perplexity', short: 'Perpl' },
];

const romeColumns: readonly MetricColumn[] = [
  { ...columnOf('rome_score'), title: 'S', about: 'harmonic mean of ES, PS and NS' },
  { ...columnOf('efficacy.score'), title: 'ES', group: 'efficacy' },
  { ...columnOf('efficacy.magnitude'), title: 'EM', group: 'efficacy' },
  { ...columnOf('paraphrase.score'), title: 'PS', group: 'paraphrase' },
  { ...columnOf('paraphrase.magnitude'), title: 'PM', group: 'paraphrase' },
  { ...columnOf('neighbourhood.score'), title: 'NS', group: 'neighbourhood' },
  { ...columnOf('neighbourhood.magnitude'), title: 'NM', group: 'neighbourhood' },
  {
    ...columnOf('neighbourhood_own.score'),
    title: 'NS own',
    group: 'neighbourhood',
    about: "neighbours' own answers against the new one, where they are not the true one",
  },
  { ...columnOf('ngram_entropy'), title: 'GE', group: 'generated text' },
  { ...columnOf('reference_score'), title: 'RS', group: 'generated text' },
  {
    ...columnOf('essence.perplexity'),
    title: 'ED',
    change: true,
    group: 'essence',
    about: 'by how much the perplexity of texts about the subject rose',
  },
];

const streamColumns: readonly MetricColumn[] = readings.flatMap(([reading, group]) =>
  (
    [
      ['SR', 'success', 'success right after each edit'],
      ['ER', 'retention', 'all edits, tested after the last'],
      ['GR', 'generalization', 'rephrases right after each edit'],
      ['TRR', 'test_retention', 'test questions answered rightly after the last edit'],
      ['ARR', 'accurate_retention', 'of the test questions answered rightly before the first edit'],
    ] as const
  ).map(([title, id, about]) => ({ ...columnOf(`stream.${id}.${reading}`), group, title, about })),
);

/** Rows are compared where they say the same: for each of these places, a row a run. */
interface Section {
  readonly title: string | undefined;
  readonly rows: readonly { readonly run: ReportRun; readonly at: At }[];
}

/** Right after each edit; after 1, 10, 100 ... edits; after the last. */
function sectionsOf(runs: readonly ReportRun[]): readonly Section[] {
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
      else if (run.manifest.protocol.kind === 'batch') put(`batches of ${countEdits(at.edits)}`, at.edits, run, at);
      else if (decade || at.edits === last) put(`after ${countEdits(at.edits)}`, at.edits, run, at);
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
    if (asIs !== undefined) return figure(asIs, metric, { moment: 'once', edits: 0 });
    // The model agrees with itself.
    if (metric.startsWith('locality')) return { value: 1 };
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

/** Whether a run is ahead of all others in a figure, beyond chance. */
export type IsAhead = (run: ReportRun, metric: string, at: At) => boolean;

interface Rows {
  readonly runs: readonly ReportRun[];
  readonly sections: readonly Section[];
  readonly isAhead: IsAhead;
}

function metricTable(
  title: string,
  note: string,
  columns: readonly MetricColumn[],
  { runs, sections, isAhead }: Rows,
): Table {
  // Of one run alone, the rows are its places.
  const alone = new Set(sections.flatMap(({ rows }) => rows.map(({ run }) => run))).size === 1;
  const rows = sections.flatMap(({ title: section, rows: places }) =>
    places.map(
      ({ run, at }): Row => ({
        name: alone && section !== undefined ? section : run.labels.name,
        ...(!alone && section !== undefined && { section }),
        cells: columns.map(({ metric, change }) => {
          const found = (change ? figureChange : figure)(run, metric, at);
          return found !== null && isAhead(run, metric, at) ? { ...found, best: true } : found;
        }),
      }),
    ),
  );
  return { title, note: note + overFewer(columns, sections), columns, rows: [unedited(runs, columns), ...rows] };
}

/** Not every case has every probe, and texts are written for some. */
function overFewer(columns: readonly MetricColumn[], sections: readonly Section[]): string {
  const last = sections.at(-1)?.rows[0];
  if (last === undefined) return '';
  const of = (metric: string) => casesBehind(last.run, metric, last.at);
  const all = of('reliability.token');
  const fewer = columns.flatMap(({ title, metric }) => {
    const cases = of(metric);
    // Of what is said of the model as a whole, the cases are others.
    const isWhole = metric === 'perplexity' || metric.startsWith('ability.');
    return isWhole || cases === 0 || cases >= all ? [] : [`${title} ${cases.toLocaleString('en-US')}`];
  });
  if (fewer.length === 0) return '';
  return ` Over fewer than the ${all.toLocaleString('en-US')} cases: ${[...new Set(fewer)].join(', ')}.`;
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

/** Metrics under a stem that any run has, in the order of the catalogue. */
function metricsUnder(runs: readonly ReportRun[], stem: string): readonly string[] {
  const found = new Set(runs.flatMap(({ means }) => means.map(({ metric }) => metric)));
  return [...metricCatalogue.keys()].filter((id) => id.startsWith(`${stem}.`) && found.has(id));
}

const inWords = (name: string) => name.replaceAll('_', ' ');

/** `stem.kind.reading` of two stems. */
const kindColumns = (runs: readonly ReportRun[], reading: string): readonly MetricColumn[] =>
  ['locality', 'portability'].flatMap((stem) =>
    metricsUnder(runs, stem)
      .filter((id) => id.endsWith(`.${reading}`) && id.split('.').length === 3)
      .map((id) => ({ ...columnOf(id), group: stem, title: inWords(id.split('.')[1]!) })),
  );

/** Of scores of general ability. */
const shortScores: Readonly<Record<string, string>> = {
  likelihood: 'Lik',
  likelihood_per_token: '/token',
  likelihood_per_character: '/char',
  first_token: 'First',
  exact_match: 'EM',
  inverse_perplexity: '1/PPL',
};

const abilityColumns = (runs: readonly ReportRun[]): readonly MetricColumn[] =>
  metricsUnder(runs, 'ability').map((id) => {
    const [, task = '', score = ''] = id.split('.');
    const short = shortScores[score];
    return { ...columnOf(id), group: inWords(task), title: inWords(score), ...(short && { short }) };
  });

const otherColumns = (runs: readonly ReportRun[], stem: string): readonly MetricColumn[] =>
  metricsUnder(runs, stem).map((id) => ({ ...columnOf(id), title: inWords(id.split('.')[1]!) }));

/** All tables of runs that are comparable: of one model, on the same data, under one kind of protocol. */
export function metricTables(runs: readonly ReportRun[], isAhead: IsAhead): readonly Table[] {
  const everywhere: Rows = { runs, isAhead, sections: sectionsOf(runs) };
  const atTheEnd: Rows = { runs, isAhead, sections: lastSection(runs) };
  const tables = [
    metricTable(
      'Edits',
      'Means over cases in per cent, with 95 % bootstrap intervals. Locality is agreement with the parent, not with the truth. By free generation a model has to find the whole answer alone, and it must be the target or a listed spelling of it; given the answer, it is told its length and earlier tokens. A figure is bold where it is the best beyond chance: where the interval of the paired difference to the next best excludes 0.',
      editColumns,
      everywhere,
    ),
    metricTable(
      'CounterFact, as ROME reports it',
      'How often the new answer is likelier than the true one (on neighbours: the other way round) and by how much; a model that tells nothing apart is at 50. GE is n-gram entropy, RS the tf-idf likeness to texts about subjects of which the new answer is true, ED the rise of the perplexity of texts about the subject.',
      romeColumns,
      everywhere,
    ),
    ...(isStream(runs)
      ? [
          metricTable(
            'The stream',
            'SR tests each edit right after it was made, ER all of them after the last: what lies between them was forgotten.',
            streamColumns,
            atTheEnd,
          ),
        ]
      : []),
    metricTable('By kind of probe', 'By token, at the end of the protocol.', kindColumns(runs, 'token'), atTheEnd),
    metricTable(
      'Multi-hop questions',
      'By free generation, as MQuAKE defines them.',
      otherColumns(runs, 'multi_hop'),
      atTheEnd,
    ),
    metricTable(
      'Ripple effects',
      'Tests that count: those whose conditions held before the edit.',
      otherColumns(runs, 'ripple'),
      atTheEnd,
    ),
    metricTable(
      'General ability',
      'Every item of every task, at the end of the protocol.',
      abilityColumns(runs),
      atTheEnd,
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
