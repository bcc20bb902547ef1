// Quality of edits on the shipped model: r-ROME one by one from one parent, MEMIT in one batch; settings can be swept.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { atlasDirectory, buildWorld, drawEdits } from '@errata/atlas';
import { type ConfigOverrides, checkEdits, type Edit, type EditResult, type MeanScore } from '@errata/contracts';
import { type ArtefactStore, type EditOutcome, edit, localArtefacts } from '@errata/editors';
import {
  artefactNeeds,
  describeEditor,
  type EditorName,
  type ModelDefaults,
  modelDefaultsSchema,
  requireEditor,
  resolveConfig,
} from '@errata/editors/catalogue';
import { fileArtefactStore } from '@errata/engine';
import { type AnswerCache, createAnswerCache, evaluateCandidate } from '@errata/evaluation';
import { loadCheckpoint, type Model, openModel, type Tokenizer, type View } from '@errata/models';

const usage = `usage: npm run bench -- atlas-edits [options]
  --model DIR          default models/atlas
  --n COUNT            edits, default 100
  --seed N             of the edit set, default 1
  --editor NAME        default: r-rome and memit
  --together           one batch, also for editors that apply edits one by one
  --batch N            batches of N, each from the parent
  --sequence N         N edits one behind another, then measured, and again from the parent
  --set KEY=JSON       a setting; several values separated by | are swept
  --encoder DIR        a sentence encoder, where settings ask for one
  --ridge R            second moments inverted with this ridge; several separated by |
`;

interface Bench {
  readonly model: Model;
  readonly tokenizer: Tokenizer;
  readonly store: ArtefactStore;
  readonly digest: string;
  readonly corpus: string;
  /** What the model brought along of a kind of artefact. */
  readonly brought: (kind: string) => Promise<Uint8Array | undefined>;
  readonly defaults: ModelDefaults;
  readonly encoder: string | undefined;
  readonly edits: readonly Edit[];
  readonly parent: View;
  readonly cache: AnswerCache;
}

async function open(directory: string, count: number, seed: number, encoder: string | undefined): Promise<Bench> {
  const checkpoint = await loadCheckpoint(directory);
  const model = openModel(checkpoint, { programs: 16 });
  const { tokenizer, digest } = checkpoint;
  if (!tokenizer) throw new Error(`${directory} has no tokenizer`);
  const drawn = drawEdits(buildWorld(), count, seed).map((one) => one.edit);
  const { edits, errors } = checkEdits(drawn);
  if (errors[0]) throw new Error(errors[0].message);
  const defaultsPath = join(directory, 'errata.json');
  const json: unknown = existsSync(defaultsPath) ? JSON.parse(readFileSync(defaultsPath, 'utf8')) : {};
  const defaults = modelDefaultsSchema.parse(json);
  const store = fileArtefactStore(fileURLToPath(new URL('../.errata/bench/', import.meta.url)));
  const corpus = join(directory, defaults.corpus ?? 'corpus.txt');
  const named: Readonly<Record<string, string | undefined>> = defaults.artefacts ?? {};
  return {
    model,
    tokenizer,
    store,
    digest,
    corpus,
    brought: async (kind) => (named[kind] === undefined ? undefined : readFileSync(join(directory, named[kind]))),
    defaults,
    encoder,
    edits,
    parent: model.view(),
    cache: createAnswerCache(),
  };
}

/** Means over probes of one kind, pooled over edits. */
function pooled(parts: readonly (MeanScore | null | undefined)[]): MeanScore {
  const total = { token: 0, all: 0, exact: 0, count: 0 };
  for (const part of parts) {
    if (!part) continue;
    total.token += part.token * part.count;
    total.all += part.all * part.count;
    total.exact += part.exact * part.count;
    total.count += part.count;
  }
  const { count } = total;
  return { token: total.token / count, all: total.all / count, exact: total.exact / count, count };
}

interface Row {
  readonly settings: string;
  readonly results: readonly EditResult[];
  readonly steps: number;
  readonly density: number;
  readonly secondsPerEdit: number;
  readonly failed: number;
}

/** Edits that are measured together, made in one batch or one behind another. */
interface Grouping {
  readonly size: number;
  readonly sequence: boolean;
}

const grouped = <T>(all: readonly T[], size: number): readonly (readonly T[])[] =>
  Array.from({ length: Math.ceil(all.length / size) }, (_, at) => all.slice(at * size, (at + 1) * size));

/** Of everything that editors draw. */
const seed = 0;

async function run(
  bench: Bench,
  name: EditorName,
  overrides: ConfigOverrides,
  grouping: Grouping,
  ridge: number | undefined,
): Promise<Row> {
  const { model, parent, tokenizer, cache, digest, store } = bench;
  const shape = { model_type: model.spec.family, layers: model.spec.layers, width: model.spec.width };
  const config = resolveConfig(name, shape, bench.defaults, overrides);
  const { encoder } = bench;
  const request = { ...(ridge !== undefined && { ridge }), ...(encoder !== undefined && { encoder }) };
  const needs = artefactNeeds(name, config, shape, seed);
  const artefacts = await localArtefacts(
    { model, digest, store, corpus: bench.corpus, brought: bench.brought, request },
    needs,
  );
  const groups = grouped(bench.edits, grouping.size);
  const results: EditResult[] = [];
  const steps: number[] = [];
  const densities: number[] = [];
  let seconds = 0;
  let failed = 0;
  for (const edits of groups) {
    let candidate = parent;
    const all: EditOutcome[] = [];
    for (const batch of grouping.sequence ? grouped(edits, 1) : [edits]) {
      const start = performance.now();
      const input = { model, view: candidate, edits: batch, config, artefacts, seed };
      const { deltas, outcomes } = await edit(name, input, { onError: 'continue' });
      seconds += (performance.now() - start) / 1000;
      candidate = candidate.with(deltas.map(({ delta }) => delta));
      all.push(...outcomes);
    }
    for (const outcome of all) {
      if (outcome.outcome === 'failed') {
        failed++;
        continue;
      }
      steps.push(outcome.diagnostics.steps);
      densities.push(Math.max(0, ...outcome.diagnostics.deltas.map(({ relative }) => relative)));
    }
    const { perEdit } = await evaluateCandidate({ parent, candidate, tokenizer, edits, cache });
    results.push(...perEdit);
  }
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / Math.max(1, values.length);
  return {
    settings: `${JSON.stringify(overrides)}${ridge === undefined ? '' : ` ridge ${ridge}`}`,
    results,
    steps: mean(steps),
    density: mean(densities),
    secondsPerEdit: seconds / bench.edits.length,
    failed,
  };
}

const columns = [
  ['reliab.', ({ results }: Row) => pooled(results.map((r) => ({ ...r.reliability.after, count: 1 }))).token],
  ['exact', ({ results }: Row) => pooled(results.map((r) => ({ ...r.reliability.after, count: 1 }))).exact],
  ['general.', ({ results }: Row) => pooled(results.map((r) => r.generalization?.after)).token],
  ['neighb.', ({ results }: Row) => pooled(results.map((r) => r.locality.neighbourhood)).token],
  ['other r.', ({ results }: Row) => pooled(results.map((r) => r.locality.other_relations)).token],
  ['distr.', ({ results }: Row) => pooled(results.map((r) => r.locality.distracting)).token],
  ['alias', ({ results }: Row) => pooled(results.map((r) => r.portability.alias?.after)).token],
  ['one hop', ({ results }: Row) => pooled(results.map((r) => r.portability.one_hop?.after)).token],
  ['steps', ({ steps }: Row) => steps],
  ['|d|/|W|', ({ density }: Row) => density],
  ['s/edit', ({ secondsPerEdit }: Row) => secondsPerEdit],
  ['failed', ({ failed }: Row) => failed],
] as const;

const print = (row: Row) => {
  const cells = columns.map(([, of]) => {
    const value = of(row);
    return (Number.isNaN(value) ? '-' : value.toFixed(value >= 10 ? 1 : 3)).padStart(8);
  });
  console.log(`${cells.join(' ')}  ${row.settings}`);
};

/** `a=1|2 b=3` as the product of all choices. */
function sweep(settings: readonly string[]): readonly ConfigOverrides[] {
  let rows: Record<string, unknown>[] = [{}];
  for (const setting of settings) {
    const at = setting.indexOf('=');
    const key = setting.slice(0, at);
    const values = setting
      .slice(at + 1)
      .split('|')
      .map((value): unknown => JSON.parse(value));
    rows = rows.flatMap((row) => values.map((value) => ({ ...row, [key]: value })));
  }
  return rows;
}

/** Prints one row of means for each combination of settings. */
export async function main(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      model: { type: 'string', default: atlasDirectory },
      n: { type: 'string', default: '100' },
      seed: { type: 'string', default: '1' },
      editor: { type: 'string' },
      together: { type: 'boolean', default: false },
      batch: { type: 'string' },
      sequence: { type: 'string' },
      set: { type: 'string', multiple: true, default: [] },
      ridge: { type: 'string' },
      encoder: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return void process.stdout.write(usage);
  const bench = await open(values.model, Number(values.n), Number(values.seed), values.encoder);
  const names: readonly EditorName[] =
    values.editor === undefined ? ['r-rome', 'memit'] : [requireEditor(values.editor)];
  for (const name of names) {
    const usual = values.together || describeEditor(name).batched ? bench.edits.length : 1;
    const size = Number(values.batch ?? values.sequence ?? usual);
    const grouping = { size, sequence: values.sequence !== undefined };
    const each = size === 1 ? 'one by one from one parent' : `${size} in one batch`;
    const how = grouping.sequence ? `${size} one behind another` : each;
    console.log(`\n${name}, ${bench.edits.length} edits, ${how}; means of token agreement, exact by free generation`);
    console.log(columns.map(([title]) => title.padStart(8)).join(' '));
    const ridges = values.ridge === undefined ? [undefined] : values.ridge.split('|').map(Number);
    for (const overrides of sweep(values.set))
      for (const ridge of ridges) print(await run(bench, name, overrides, grouping, ridge));
  }
  await bench.model.release();
}
