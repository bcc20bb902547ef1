// errata try: edits a model in this process and measures what became of it. Needs no service.
import { accessSync, constants, existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import {
  type ConfigOverrides,
  type Edit,
  type EditResult,
  ErrataError,
  type EvaluationSummary,
  type ExportReport,
  type ExportSettings,
} from '@errata/contracts';
import { defaultEditor, describeEditor, type EditorName, lacksSubject, requireEditor } from '@errata/editors/catalogue';
import type { View } from '@errata/models';
import { type Command, Option } from 'commander';
import { addArtefactFields, artefactFields, buildingFields } from '../arguments/artefact-fields.ts';
import { addExportOptions, exportSettings, type GivenExport } from '../arguments/export-settings.ts';
import { checkedEdits } from '../arguments/given-cases.ts';
import { baseOption, type GivenModel, modelOption } from '../arguments/model-source.ts';
import { wholeNumber } from '../arguments/numbers.ts';
import { collectSetting } from '../arguments/references.ts';
import { artefactsForEditor, corpusOf, localConfig } from '../local/editing.ts';
import { type LocalModel, withModel } from '../local/model.ts';
import { remarksOn } from '../output/edit-results.ts';
import { costLine, metricsTable } from '../output/metrics-table.ts';
import { bar, printJson, progressLine, table } from '../output/output.ts';

/** Nothing is kept here that could be rolled back. */
const onErrorChoices = ['abort', 'continue'] as const;

interface Options extends GivenModel, GivenExport {
  editor: string;
  from?: string;
  edits: string;
  layout?: string;
  set?: ConfigOverrides;
  out?: string;
  corpus?: string;
  seed: number;
  onError: (typeof onErrorChoices)[number];
  json?: true;
}

/** What a trial found. */
interface Trial {
  readonly model: string;
  readonly editor: EditorName;
  /** The complete settings that were used. */
  readonly config: ConfigOverrides;
  readonly seed: number;
  readonly edits: readonly EditResult[];
  readonly summary: EvaluationSummary;
  /** Where the edited model was written, and what that holds. */
  readonly out: string | null;
  readonly report: ExportReport | null;
}

export function register(program: Command): void {
  const command = program
    .command('try')
    .description('edit a model in this process and measure the result; nothing is kept unless --out says so')
    .addOption(modelOption().makeOptionMandatory())
    .addOption(baseOption())
    .requiredOption('--edits <file>', 'corrections: our own records or a published data set (errata data layouts)')
    .option('--layout <name>', 'the layout of that file; recognised when left out')
    .option('-e, --editor <name>', 'the editor', defaultEditor)
    .addOption(
      new Option(
        '--from <path>',
        'take what was changed elsewhere, the directory of a LoRA adapter or a copy of the model with other weights; the edits say what it is to change',
      ).conflicts('editor'),
    )
    .option('-s, --set <key=value>', 'a setting of the editor; repeatable', collectSetting)
    .option('--out <dir>', 'write the edited model there, in the form that --form names')
    .option('--corpus <file>', "text for the editor's statistics and for perplexity; the model's own when left out")
    .option('--seed <n>', 'seed of everything random', wholeNumber, 0);
  addArtefactFields(addExportOptions(command), buildingFields)
    .addOption(
      new Option('--on-error <choice>', 'what an edit that cannot be applied does to the batch')
        .choices(onErrorChoices)
        .default('abort'),
    )
    .option('--json', 'print JSON')
    .action(async (given: Options) => {
      const options = given.from === undefined ? given : await takingChange(given, resolve(given.from));
      const editor = requireEditor(options.editor);
      const edits = await checkedEdits({ file: options.edits, layout: options.layout });
      const lack = edits.map((edit) => lacksSubject(editor, edit)).find((found) => found !== undefined);
      if (lack !== undefined && options.onError === 'abort') throw lack;
      const settings = exportSettings(options);
      const out = options.out === undefined ? undefined : await checkOutput(editor, resolve(options.out), settings);
      const trial = await withModel(options, (local) =>
        runTrial(local, editor, edits, out === undefined ? undefined : { out, settings }, options),
      );
      if (options.json) printJson(trial);
      else printTrial(trial, edits);
    });
}

/** What was asked, with the editor that takes a change as it is given, told which. */
async function takingChange(options: Options, from: string): Promise<Options> {
  const { identifyChange } = await import('@errata/models');
  const { digest } = await identifyChange(from);
  return { ...options, from, editor: 'given', set: { ...options.set, change: digest } };
}

/** What would fail after minutes of work fails before. */
async function checkOutput(editor: EditorName, out: string, { form, rank }: ExportSettings): Promise<string> {
  const { holdsMemory, leftBeside } = await import('@errata/models');
  const { leaves } = describeEditor(editor);
  const besides = leaves.filter((kind) => leftBeside(kind) !== null);
  const unsupported = (what: string) =>
    new ErrataError('export_unsupported', `${editor} ${what}`, { details: { editor, form } });
  if (form === 'memory' && besides.length === 0)
    throw unsupported('leaves nothing beside the weights, which is what the form memory holds: use another form');
  if (form === 'adapter' && rank === undefined && leaves.includes('dense') && !leaves.includes('low_rank'))
    throw unsupported(
      'leaves dense changes, which are no adapter of a low rank: name one (--rank), or use another form',
    );
  const unheld = besides.find((kind) => !holdsMemory(form, kind));
  if (unheld !== undefined) throw unfoldable(editor, leftBeside(unheld)!, form);
  if (existsSync(out) && !(statSync(out).isDirectory() && readdirSync(out).length === 0)) {
    throw new ErrataError('output_exists', `${out} is not an empty directory: choose another one`, {
      details: { path: out },
    });
  }
  // Written beside its place first, then renamed.
  let place = dirname(out);
  while (!existsSync(place)) place = dirname(place);
  if (!statSync(place).isDirectory() || !isWritable(place)) {
    throw new ErrataError(
      'invalid_request',
      `${out} cannot be made: ${place} is not a directory that may be written to`,
      {
        details: { path: out },
      },
    );
  }
  return out;
}

function isWritable(directory: string): boolean {
  try {
    accessSync(directory, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

const unfoldable = (editor: EditorName, beside: string, form: string): ErrataError =>
  new ErrataError(
    'not_a_checkpoint',
    `${editor} leaves ${beside} beside the weights, which the form ${form} cannot hold: write --form memory, leave out --out, or use another editor`,
    { details: { editor } },
  );

async function runTrial(
  local: LocalModel,
  editor: EditorName,
  edits: readonly Edit[],
  wanted: { readonly out: string; readonly settings: ExportSettings } | undefined,
  options: Options,
): Promise<Trial> {
  const { checkpoint, model } = local;
  const { makeEdits } = await import('@errata/editors');
  const { evaluateCandidate, readHeldText } = await import('@errata/evaluation');
  const config = localConfig(local, editor, options.set);
  const corpus = corpusOf(local, options.corpus);
  const tokenizer = local.tokenizer();
  const line = progressLine();
  try {
    const artefacts = await artefactsForEditor(
      local,
      editor,
      config,
      options.seed,
      { corpus, request: artefactFields(options) },
      line,
    );
    const parent = model.view();
    const made = await makeEdits(
      { editor, model, view: parent, edits, config, artefacts, seed: options.seed },
      {
        onError: options.onError === 'continue' ? 'continue' : 'stop',
        onProgress: ({ phase, done, edits: total, custom_id, step, steps, loss }) => {
          const detail = step === undefined ? '' : `step ${step}/${steps} loss ${loss?.toFixed(3)}`;
          line.update(phase, `${bar(done, total)} ${custom_id ?? ''} ${detail}`.trimEnd());
        },
      },
    );
    const candidate = made.candidate();
    const { perEdit, summary } = await evaluateCandidate(
      {
        parent,
        candidate,
        tokenizer,
        edits,
        editSeconds: made.seconds,
        outcomes: made.outcomes,
        ...(corpus !== undefined && { heldText: await readHeldText(corpus) }),
      },
      { onProgress: ({ stage, done, total }) => line.update(`measuring the ${stage}`, bar(done, total)) },
    );
    line.done();
    const report = wanted && (await writeEdited(local, candidate, wanted));
    return {
      model: checkpoint.digest,
      editor,
      config,
      seed: options.seed,
      edits: perEdit,
      summary,
      out: wanted?.out ?? null,
      report: report ?? null,
    };
  } finally {
    line.done();
  }
}

async function writeEdited(
  { checkpoint, model }: LocalModel,
  view: View,
  { out, settings }: { readonly out: string; readonly settings: ExportSettings },
): Promise<ExportReport> {
  const { writeExport } = await import('@errata/models');
  return writeExport(out, { checkpoint, model, view, name: null, base: checkpoint.directory }, settings);
}

function printTrial({ edits: results, summary, out, report }: Trial, edits: readonly Edit[]): void {
  const rows = results.map(({ custom_id, answer_before, answer_after, outcome }, position) => {
    const { prompt, target_new } = edits[position]!;
    return [custom_id, prompt, answer_before, answer_after, target_new, outcome];
  });
  console.log(table(['edit', 'prompt', 'before', 'after', 'wanted', 'outcome'], rows));
  for (const remark of remarksOn(results)) console.log(remark);
  console.log(`\n${metricsTable(summary)}\n\n${costLine(summary)}`);
  if (out === null) return;
  console.log(`\nThe edited model is in ${out}`);
  for (const remark of report?.remarks ?? []) console.log(remark);
}
