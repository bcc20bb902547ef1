// errata tune: finds layers and a clamp for an editor on a model, in this process, within a budget of minutes. Needs no service.
import { defaultEditor, requireEditor } from '@errata/editors/catalogue';
import { defaultsFileName } from '@errata/engine';
import type { Trial, Tuning, TuningScore } from '@errata/evaluation';
import type { Command } from 'commander';
import { addArtefactFields, artefactFields, buildingFields } from '../arguments/artefact-fields.ts';
import { readEvalData } from '../arguments/data-files.ts';
import { baseOption, type GivenModel, modelOption } from '../arguments/model-source.ts';
import { atLeastOne, positive, wholeNumber } from '../arguments/numbers.ts';
import { artefactsForEditor, corpusOf, localConfig } from '../local/editing.ts';
import { type LocalModel, withModel } from '../local/model.ts';
import { changeDefaults, requireOwnDirectory } from '../local/model-defaults.ts';
import { percent, printJson, progressLine, table } from '../output/output.ts';

interface Options extends GivenModel {
  edits: string;
  layout?: string;
  editor: string;
  limit: number;
  layers: number;
  minutes: number;
  corpus?: string;
  seed: number;
  save?: true;
  json?: true;
}

export function register(program: Command): void {
  const command = program
    .command('tune')
    .description('layers and a clamp for an editor on a model: tried on some edits, judged on others')
    .addOption(modelOption().makeOptionMandatory())
    .addOption(baseOption())
    .requiredOption(
      '--edits <file>',
      'corrections, with rephrases and neighbours: edits that nothing else is judged by',
    )
    .option('--layout <name>', 'the layout of that file; recognised when left out')
    .option('-e, --editor <name>', 'the editor', defaultEditor)
    .option('--limit <n>', 'edits: every other one is tried, the rest judge what was found', atLeastOne, 20)
    .option('--layers <n>', 'layers tried at most, evenly over the model', atLeastOne, 8)
    .option('--minutes <n>', 'after which nothing new is tried', positive, 15)
    .option('--corpus <file>', "text for the editor's statistics; the model's own when left out")
    .option('--seed <n>', 'seed of everything random', wholeNumber, 0);
  addArtefactFields(command, buildingFields)
    .option('--save', `make what was found the editor's default, with its figures, in the model's ${defaultsFileName}`)
    .option('--json', 'print JSON')
    .action(async (options: Options) => {
      const started = performance.now();
      const data = await readEvalData({ file: options.edits, layout: options.layout });
      const edits = data.cases.flatMap((one) => one.edits).slice(0, options.limit);
      await withModel(options, async (local) => {
        if (options.save) requireOwnDirectory(local);
        const tuning = await tuned(
          local,
          edits,
          options,
          () => options.minutes * 60_000 - (performance.now() - started),
        );
        if (options.save) await save(local, tuning, options);
        if (options.json) printJson(tuning);
        else print(tuning, options);
      });
    });
}

type Edits = Parameters<typeof import('@errata/evaluation').tuneEditor>[0]['edits'];

async function tuned(local: LocalModel, edits: Edits, options: Options, timeLeft: () => number): Promise<Tuning> {
  const { tuneEditor } = await import('@errata/evaluation');
  const { layers, seed } = options;
  const editor = requireEditor(options.editor);
  const config = localConfig(local, editor);
  const line = progressLine();
  const source = { corpus: corpusOf(local, options.corpus), request: artefactFields(options) };
  const input = { model: local.model, tokenizer: local.tokenizer(), editor, config, edits, seed, layers, timeLeft };
  try {
    return await tuneEditor(
      { ...input, artefactsOf: (chosen) => artefactsForEditor(local, editor, chosen, seed, source, line) },
      {
        onTrial: (done, total, { settings, score }) =>
          line.update('tuning', `${done}/${total} ${named(settings)} ${percent(score)}`),
      },
    );
  } finally {
    line.done();
  }
}

const named = (settings: Trial['settings']): string =>
  Object.entries(settings)
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join(' ') || 'as it is';

function save(local: LocalModel, { best, trials, held_apart }: Tuning, options: Options): Promise<void> {
  const editor = requireEditor(options.editor);
  return changeDefaults(local, ({ editors, tuned, ...others }) => {
    const found = { settings: best, ...held_apart, tried: trials.length, seed: options.seed };
    const own = { ...editors, [editor]: { ...editors[editor], ...best } };
    return { editors: own, tuned: { ...tuned, [editor]: found }, ...others };
  });
}

const cells = ({ reliability, generalization, locality, score }: TuningScore) =>
  [reliability, generalization, locality, score].map(percent);

function print({ trials, left_out, best, held_apart: { edits, before, after } }: Tuning, options: Options): void {
  const head = ['settings', 'reliability', 'generalization', 'locality', 'score'];
  console.log(
    table(
      head,
      trials.map((trial) => [named(trial.settings), ...cells(trial)]),
    ),
  );
  if (left_out > 0) console.log(`\n${left_out} more were left out: the ${options.minutes} minutes were over`);
  console.log(
    `\non ${edits} other edits\n${table(head, [
      ['as it is', ...cells(before)],
      [named(best), ...cells(after)],
    ])}`,
  );
  if (after.score < before.score)
    console.log('\nWhat was found did worse there: give more edits (--limit) before you trust it');
  if (options.save) console.log(`\nSaved as the default in ${defaultsFileName}`);
}
