// errata eval: carries evaluation protocols out on models, in this process. Needs no service.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { type ConfigOverrides, ErrataError, type Protocol, protocolSchema } from '@errata/contracts';
import { isEditorName, writtenEditor } from '@errata/editors/catalogue';
import type { Report } from '@errata/evaluation';
import { type Command, Option } from 'commander';
import { addArtefactFields, artefactFields, buildingFields } from '../arguments/artefact-fields.ts';
import { type AbilityFile, collectAbility, readAbility, readEvalData, readQuestions } from '../arguments/data-files.ts';
import { baseOption, type GivenModel, modelOption } from '../arguments/model-source.ts';
import { atLeastOne, wholeNumber, wholeNumbers } from '../arguments/numbers.ts';
import { collectSetting } from '../arguments/references.ts';
import { runLocally } from '../local/evaluation.ts';
import { runMatrix } from '../local/evaluation-matrix.ts';
import { withModel } from '../local/model.ts';
import { printJson, progressLine } from '../output/output.ts';
import { printReport } from '../output/report.ts';

interface Options extends Partial<GivenModel> {
  edits?: string;
  layout?: string;
  editor?: string;
  matrix?: string;
  protocol: Protocol['kind'];
  batch?: number;
  checkpoints?: readonly number[];
  limit?: number;
  set?: ConfigOverrides;
  corpus?: string;
  writers?: number;
  references?: string;
  ability?: readonly AbilityFile[];
  questions?: string;
  seed: number;
  report?: string;
  resume?: true;
  json?: true;
}

/** What a matrix says for all of its runs, so that it cannot be said beside it. */
const saidByMatrix = [
  ...(['model', 'base', 'edits', 'layout', 'editor', 'protocol', 'batch', 'set'] as const),
  ...(['writers', 'ability', 'questions', 'seed'] as const),
] satisfies readonly (keyof Options)[];

export function register(program: Command): void {
  const command = program
    .command('eval')
    .description('evaluate an editor on a model by a protocol, in this process; or a whole matrix of them')
    .addOption(modelOption())
    .addOption(baseOption())
    .option('--edits <file>', 'corrections: one edit a line, or a published data set (errata data layouts)')
    .option('--layout <name>', 'the layout of that file; recognised when left out')
    .option('-e, --editor <name>', 'the editor; none measures the model as it is', (name: string) => name.toLowerCase())
    .addOption(
      new Option(
        '--matrix <file>',
        'instead of these, of --protocol and of what is measured: a YAML or TypeScript file that says all of it',
      ).conflicts([...saidByMatrix]),
    )
    .addOption(
      new Option(
        '-p, --protocol <kind>',
        'each edit alone, batches apart from each other, all in sequence, or what edits and answers cost',
      )
        .choices(['single', 'batch', 'lifelong', 'efficiency'])
        .default('single'),
    )
    .option('--batch <n>', 'records at once (batch), or between two tests (lifelong)', atLeastOne)
    .option(
      '--checkpoints <list>',
      'records after which all so far are tested, as 1,10,100 (lifelong, efficiency)',
      wholeNumbers,
    )
    .option('--limit <n>', 'the first records only', atLeastOne)
    .option('-s, --set <key=value>', 'a setting of the editor; repeatable', collectSetting)
    .option('--corpus <file>', "text for the editor's statistics and for perplexity; the model's own when left out")
    .option('--writers <n>', 'records that texts are generated for, to measure fluency', wholeNumber)
    .option(
      '--references <file>',
      'reference texts by record, for reference score and essence drift (docs/datasets.md)',
    )
    .option('--ability <task=file>', 'general ability to measure along the way; repeatable', collectAbility)
    .option('--questions <file>', 'questions that no edit is about, to measure along the way what is still answered')
    .option('--seed <n>', 'seed of everything random', wholeNumber, 0);
  addArtefactFields(command, buildingFields)
    .option('--report <dir>', 'keep the run there, with its report: index.html, report.json, rows.csv')
    .option('--resume', 'go on with what the directory holds')
    .option('--json', 'print the report as JSON')
    .action(async (options: Options) => {
      const { model, edits, editor, matrix } = options;
      const work =
        matrix !== undefined
          ? (directory: string) => runMatrix(resolve(matrix), directory, options)
          : model === undefined || edits === undefined || editor === undefined
            ? command.error('error: give --model, --edits and --editor, or --matrix')
            : (directory: string) => runOne({ ...options, model, edits, editor }, directory);
      const report = await inDirectory(options.report, work);
      if (options.json) printJson(report);
      else await printReport(report, options.report);
    });
}

/** A run needs a directory; one that nobody asked for goes when the work is done. */
async function inDirectory<T>(wanted: string | undefined, work: (directory: string) => Promise<T>): Promise<T> {
  if (wanted !== undefined) return work(resolve(wanted));
  const directory = await mkdtemp(join(tmpdir(), 'errata-eval-'));
  try {
    return await work(join(directory, 'run'));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

const titles: Readonly<Record<Protocol['kind'], string>> = {
  single: 'each edit alone',
  batch: 'edits in batches',
  lifelong: 'edits in sequence',
  efficiency: 'what edits and answers cost',
};

async function runOne(
  options: Options & Required<Pick<Options, 'model' | 'edits' | 'editor'>>,
  directory: string,
): Promise<Report> {
  const { writeReport } = await import('@errata/evaluation');
  const { protocol: kind, batch = 1, editor, seed, writers, corpus, set = {} } = options;
  const { checkpoints } = options;
  if (checkpoints !== undefined && kind !== 'lifelong' && kind !== 'efficiency')
    throw new ErrataError('invalid_request', `the protocol ${kind} has no checkpoints: lifelong and efficiency have`);
  const parsed = protocolSchema.safeParse({
    kind,
    ...(kind === 'batch' && { size: batch }),
    ...(kind === 'lifelong' && { batch }),
    ...(checkpoints && { checkpoints }),
  });
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!;
    throw new ErrataError('invalid_request', `--${path[0] === 'size' ? 'batch' : String(path[0])}: ${message}`);
  }
  const protocol = parsed.data;
  if (kind === 'efficiency' && (options.ability !== undefined || options.questions !== undefined))
    throw new ErrataError(
      'invalid_request',
      'the efficiency protocol measures costs alone: ask for --ability and --questions with another protocol',
    );
  const { edits: file, layout, limit, references } = options;
  const data = await readEvalData({ file, layout, limit, references });
  const ability = await readAbility(options.ability ?? []);
  const questions = await readQuestions(options.questions === undefined ? undefined : { file: options.questions });
  const line = progressLine();
  try {
    await withModel(options, (local) => {
      const run = {
        editor,
        set,
        data,
        protocol,
        seed,
        writers,
        ability,
        questions,
        corpus,
        building: artefactFields(options),
      };
      return runLocally(local, run, directory, options.resume ?? false, line);
    });
  } finally {
    line.done();
  }
  const name = isEditorName(editor) ? writtenEditor(editor) : editor;
  const labels = { name, model: basename(resolve(options.model)), data: data.name };
  const title = editor === 'none' ? `${labels.model} as it is` : `${name} on ${labels.model}: ${titles[kind]}`;
  return writeReport(directory, title, [{ directory, labels }]);
}
