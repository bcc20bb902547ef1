// errata trace: causal tracing of what a model knows, in this process, and the layer to edit that it speaks for. Needs no service.
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type EditorName, editorNames, resolveConfig } from '@errata/editors/catalogue';
import { defaultsFileName, readDefaults } from '@errata/engine';
import type { DefaultLayers, TracingReport } from '@errata/evaluation';
import type { Command } from 'commander';
import { readEvalData } from '../arguments/data-files.ts';
import { baseOption, type GivenModel, modelOption } from '../arguments/model-source.ts';
import { atLeastOne, positive, wholeNumber } from '../arguments/numbers.ts';
import { type LocalModel, withModel } from '../local/model.ts';
import { changeDefaults, requireOwnDirectory } from '../local/model-defaults.ts';
import { bar, percent, printJson, progressLine, table } from '../output/output.ts';

interface Options extends GivenModel {
  facts: string;
  layout?: string;
  limit: number;
  runs: number;
  noise: number;
  window?: number;
  seed: number;
  report?: string;
  save?: true;
  json?: true;
}

export function register(program: Command): void {
  program
    .command('trace')
    .description('where a model looks facts up: causal tracing, and the layer to edit that it speaks for')
    .addOption(modelOption().makeOptionMandatory())
    .addOption(baseOption())
    .requiredOption(
      '--facts <file>',
      'true facts with their subjects: known_1000, counterfact-tracing, LRE relations, or any edits',
    )
    .option('--layout <name>', 'the layout of that file; recognised when left out')
    .option('--limit <n>', 'facts traced, the first that the model knows', atLeastOne, 20)
    .option('--runs <n>', 'corrupted runs a fact', atLeastOne, 10)
    .option('--noise <factor>', "noise on the subject, in deviations of the subjects' embeddings", positive, 3)
    .option(
      '--window <n>',
      'layers on each side that are put back along, of MLPs and attention (default: a tenth of the layers)',
      wholeNumber,
    )
    .option('--seed <n>', 'of the noise', wholeNumber, 0)
    .option('--report <dir>', 'write a page with heat maps, and the traces as JSON')
    .option('--save', `make the layer the default of editors that edit one, in the model's ${defaultsFileName}`)
    .option('--json', 'print JSON')
    .action(async (options: Options) => {
      const data = await readEvalData({ file: options.facts, layout: options.layout });
      // What is looked for is what the model knows: of a correction the answer before it.
      const edits = data.cases.flatMap(({ edits }) =>
        edits.map((edit) => ({ ...edit, target_new: edit.target_true ?? edit.target_new })),
      );
      if (options.report !== undefined) await mkdir(options.report, { recursive: true });
      await withModel(options, async (local) => {
        if (options.save) requireOwnDirectory(local);
        const { report, traces } = await traced(local, edits, options);
        if (options.report !== undefined) await writePage(options.report, report, traces);
        if (options.save) await save(local, report.recommended.layer);
        if (options.json) printJson({ ...report, traces });
        else print(report, options);
      });
    });
}

type Edits = Parameters<typeof import('@errata/editors').traceFacts>[2];

async function traced(local: LocalModel, edits: Edits, { limit, runs, noise, window, seed, model: name }: Options) {
  const { summarizeTracing, traceFacts } = await import('@errata/editors');
  const { model } = local;
  const settings = { limit, runs, noise, window: window ?? Math.round(model.spec.layers / 10), seed };
  const line = progressLine();
  try {
    const found = await traceFacts(model.view(), local.tokenizer(), edits, settings, {
      onProgress: ({ fact, facts, done, total }) => line.update('tracing', `fact ${fact}/${facts} ${bar(done, total)}`),
    });
    const report: TracingReport = {
      model: basename(name),
      ...summarizeTracing(found, settings),
      defaults: defaultLayers(local),
    };
    const { facts, traces } = found;
    return { report, traces: traces.map((trace, i) => ({ ...facts[i]!, ...trace })) };
  } finally {
    line.done();
  }
}

/** Editors that search for a value at a layer, and those where each makes its edits by default. */
function defaultLayers({ model, checkpoint }: LocalModel): DefaultLayers {
  const { family: model_type, layers, width } = model.spec;
  const shape = { model_type, layers, width };
  const own = readDefaults(checkpoint.directory);
  return editorNames.flatMap((editor: EditorName) => {
    const config = resolveConfig(editor, shape, own, {});
    if (!('clamp_factor' in config)) return [];
    return [{ editor, layers: 'layer' in config ? [config.layer as number] : (config.layers as number[]) }];
  });
}

async function writePage(directory: string, report: TracingReport, traces: readonly unknown[]): Promise<void> {
  const { tracingPage } = await import('@errata/evaluation');
  await writeFile(join(directory, 'index.html'), tracingPage(report));
  await writeFile(join(directory, 'trace.json'), `${JSON.stringify({ ...report, traces })}\n`);
}

/** Of editors that edit one layer: where others end is as much a matter of how many they take. */
function save(local: LocalModel, layer: number): Promise<void> {
  const { family: model_type, layers, width } = local.model.spec;
  return changeDefaults(local, ({ editors, ...others }) => {
    const own: Record<string, Record<string, unknown>> = { ...editors };
    for (const editor of editorNames) {
      const config = resolveConfig(editor, { model_type, layers, width }, undefined, {});
      if ('clamp_factor' in config && 'layer' in config) own[editor] = { ...own[editor], layer };
    }
    return { editors: own, ...others };
  });
}

function print(
  { facts, unknown, unusable, clean, corrupted, effects, recommended, defaults = [] }: TracingReport,
  options: Options,
): void {
  console.log(`${facts} facts traced; ${unknown} the model answers otherwise, ${unusable} could not be used`);
  console.log(`probability of the answer ${percent(clean)}, with the subject corrupted ${percent(corrupted)}\n`);
  const at = 'last subject token';
  const rows = (effects.mlp_out[at] ?? []).map((mlp, layer) => [
    `${layer}${layer === recommended.layer ? ' *' : ''}`,
    ...[effects.block_out[at]![layer]!, mlp, effects.attn_out[at]![layer]!].map(percent),
  ]);
  console.log(
    `what comes back of it, at the subject's last token\n${table(['layer', 'stream', 'MLPs', 'attention'], rows)}\n`,
  );
  console.log(
    `layer ${recommended.layer} is what this speaks for (${percent(recommended.sureness)} of resamples are within one layer of it)`,
  );
  for (const { editor, layers } of defaults) console.log(`  ${editor} edits ${layers.join(', ')} by default`);
  if (options.report !== undefined) console.log(`\nThe page is ${join(options.report, 'index.html')}`);
  if (options.save) console.log(`\nSaved as the default in ${defaultsFileName}`);
}
