// errata eval: carries an evaluation protocol out on a model directory, in this process. Needs no service.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { type ConfigOverrides, type Cost, type EditorName, requireEditor } from '@errata/contracts';
import { defaultMomentTokens } from '@errata/engine';
import type { DatasetCase, PreparedEditor, Protocol, RunLabels, RunSummary } from '@errata/evaluation';
import { type Command, Option } from 'commander';
import { corpusOf, localArtefacts, localConfig, readEditsFile } from '../local-editing.ts';
import { type LocalModel, withModel } from '../local-model.ts';
import { bar, type ProgressLine, percent, printJson, progressLine, table } from '../output.ts';
import { collectSetting } from '../references.ts';
import { wholeNumber } from './up.ts';

interface Options {
  model: string;
  edits: string;
  editor: string;
  protocol: Protocol['kind'];
  batch?: number;
  limit?: number;
  set?: ConfigOverrides;
  corpus?: string;
  tokens: number;
  seed: number;
  report?: string;
  resume?: true;
  json?: true;
}

export function register(program: Command): void {
  program
    .command('eval')
    .description('evaluate an editor on a model directory by a protocol, in this process')
    .requiredOption('-m, --model <dir>', 'a directory in Hugging Face layout')
    .requiredOption('--edits <file>', 'corrections (JSONL, one edit a line)')
    .requiredOption('-e, --editor <name>', 'the editor; none measures the model as it is')
    .addOption(
      new Option('-p, --protocol <kind>', 'each edit alone, batches apart from each other, or all in sequence')
        .choices(['single', 'batch', 'lifelong'])
        .default('single'),
    )
    .option('--batch <n>', 'edits at once (batch), or between two tests (lifelong)', wholeNumber)
    .option('--limit <n>', 'the first edits only', wholeNumber)
    .option('-s, --set <key=value>', 'a setting of the editor; repeatable', collectSetting)
    .option('--corpus <file>', "text for the editor's statistics and for perplexity; the model's own when left out")
    .option('--tokens <n>', 'tokens of it read for statistics at most', wholeNumber, defaultMomentTokens)
    .option('--seed <n>', 'seed of everything random', wholeNumber, 0)
    .option('--report <dir>', 'keep the run and its report there')
    .option('--resume', 'go on with the run that the directory holds')
    .option('--json', 'print JSON')
    .action(async (options: Options) => {
      const edits = (await readEditsFile(options.edits)).slice(0, options.limit);
      const cases = edits.map((edit) => ({ id: edit.custom_id, edits: [edit] }));
      const summary = await inDirectory(options.report, (directory) =>
        withModel(resolve(options.model), (local) => runOn(local, cases, directory, options)),
      );
      if (options.json) printJson(summary);
      else await printSummary(summary, options.report);
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

async function runOn(
  local: LocalModel,
  cases: readonly DatasetCase[],
  directory: string,
  options: Options,
): Promise<RunSummary> {
  const { protocolSchema, readHeldText, runProtocol, summariseRun, writeReport } = await import('@errata/evaluation');
  const line = progressLine();
  try {
    const corpus = corpusOf(local, options.corpus);
    const editor =
      options.editor === 'none' ? null : await prepare(local, requireEditor(options.editor), corpus, options, line);
    const { kind, batch } = { kind: options.protocol, batch: options.batch ?? 1 };
    const protocol = protocolSchema.parse(
      kind === 'single' ? { kind } : kind === 'batch' ? { kind, size: batch } : { kind, batch },
    );
    await runProtocol(
      directory,
      {
        model: local.model,
        tokenizer: local.tokenizer(),
        editor,
        cases,
        protocol,
        seed: options.seed,
        ...(corpus !== undefined && { heldText: await readHeldText(corpus) }),
      },
      {
        resume: options.resume ?? false,
        onProgress: ({ stage, done, total, edits: inModel }) =>
          line.update(stage, `${bar(done, total)} ${inModel} in the model`),
      },
    );
    if (options.report === undefined) return await summariseRun(directory);
    const labels = { name: options.editor, model: basename(resolve(options.model)), data: basename(options.edits) };
    const report = await writeReport(directory, titleOf(labels, options.protocol), [{ directory, labels }]);
    return report.runs[0]!;
  } finally {
    line.done();
  }
}

const titleOf = ({ name, model }: RunLabels, protocol: Protocol['kind']): string =>
  name === 'none' ? `${model} as it is` : `${name} on ${model}, ${protocol}`;

async function prepare(
  local: LocalModel,
  name: EditorName,
  corpus: string | undefined,
  { set, tokens }: Options,
  line: ProgressLine,
): Promise<PreparedEditor> {
  const config = localConfig(local, name, set);
  return { name, config, artefacts: await localArtefacts(local, config, { corpus, tokens }, line) };
}

async function printSummary(
  { places, means, run_metrics, failures, cost }: RunSummary,
  report: string | undefined,
): Promise<void> {
  const { metric } = await import('@errata/evaluation');
  const figures = [...means, ...run_metrics];
  const rows = [...new Set(figures.map(({ metric }) => metric))].map((id) => [
    id,
    ...places.map(({ moment, edits }) => {
      const found = figures.find((each) => each.metric === id && each.moment === moment && each.edits === edits);
      if (found === undefined) return '-';
      return metric(id).unit === 'fraction' ? percent(found.value.value) : found.value.value.toFixed(3);
    }),
  ]);
  const head = places.map(({ moment, edits }) => (moment === 'once' ? 'at once' : `${edits} edits`));
  console.log(table(['metric', ...head], rows));
  for (const { case_id, error } of failures) console.log(`${case_id}: ${error?.message}`);
  console.log(`\n${costLine(cost)}`);
  if (report !== undefined) console.log(`\nThe run is in ${report}`);
}

function costLine({ edits, edit_seconds, answers, answer_seconds, stored_bytes, peak_bytes }: Cost): string {
  const parts = [
    `${answers} answers in ${answer_seconds.toFixed(1)} s`,
    `peak memory ${Math.round(peak_bytes / 2 ** 20)} MB`,
  ];
  if (edits > 0)
    parts.unshift(`${(edit_seconds / edits).toFixed(2)} s and ${Math.round(stored_bytes / edits)} bytes an edit`);
  return parts.join(', ');
}
