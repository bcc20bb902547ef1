// errata try: edits a checkpoint directory in this process and measures what became of it. Needs no service.
import { existsSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import {
  type ConfigOverrides,
  defaultEditor,
  type Edit,
  type EditorName,
  type EditResult,
  ErrataError,
  type EvaluationSummary,
  onErrorChoices,
  parseEditsJsonl,
  requireEditor,
  resolveConfig,
} from '@errata/contracts';
import { defaultMomentTokens, readDefaults } from '@errata/engine';
import type { View } from '@errata/models';
import { type Command, Option } from 'commander';
import { prepareArtefacts } from '../local-artefacts.ts';
import { type LocalModel, withModel } from '../local-model.ts';
import { costLine, metricsTable } from '../metrics-table.ts';
import { bar, printJson, progressLine, table } from '../output.ts';
import { collectSetting } from '../references.ts';
import { wholeNumber } from './up.ts';

interface Options {
  model: string;
  editor: string;
  edits: string;
  set?: ConfigOverrides;
  out?: string;
  corpus?: string;
  tokens: number;
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
  /** Where the edited checkpoint was written. */
  readonly out: string | null;
}

export function register(program: Command): void {
  program
    .command('try')
    .description('edit a model directory in this process and measure the result; nothing is kept unless --out says so')
    .requiredOption('-m, --model <dir>', 'a directory in Hugging Face layout')
    .requiredOption('--edits <file>', 'corrections (JSONL, one edit a line)')
    .option('-e, --editor <name>', 'the editor', defaultEditor)
    .option('-s, --set <key=value>', 'a setting of the editor; repeatable', collectSetting)
    .option('--out <dir>', 'write the edited checkpoint there, in Hugging Face layout')
    .option('--corpus <file>', "text for the editor's statistics and for perplexity; the model's own when left out")
    .option('--tokens <n>', 'tokens of it read for statistics at most', wholeNumber, defaultMomentTokens)
    .option('--seed <n>', 'seed of everything random', wholeNumber, 0)
    .addOption(
      new Option('--on-error <choice>', 'what an edit that cannot be applied does to the batch')
        .choices(onErrorChoices)
        .default('abort'),
    )
    .option('--json', 'print JSON')
    .action(async (options: Options) => {
      const editor = requireEditor(options.editor);
      const edits = readEdits(options.edits, await readFile(options.edits, 'utf8'));
      const out = options.out === undefined ? undefined : checkOutput(editor, resolve(options.out));
      const trial = await withModel(resolve(options.model), (local) => runTrial(local, editor, edits, out, options));
      if (options.json) printJson(trial);
      else printTrial(trial, edits);
    });
}

function readEdits(file: string, jsonl: string): readonly Edit[] {
  const { edits, errors } = parseEditsJsonl(jsonl);
  if (errors.length > 0) {
    const many = errors.length === 1 ? 'one fault' : `${errors.length} faults`;
    throw new ErrataError('invalid_edits', `${file} has ${many}; nothing was edited`, { errors });
  }
  if (edits.length === 0) throw new ErrataError('invalid_edits', `${file} holds no edits`);
  return edits;
}

/** Editors whose deltas are no change of a weight. */
const cannotBeFolded: readonly EditorName[] = ['grace'];

/** What would fail after minutes of work fails before. */
function checkOutput(editor: EditorName, out: string): string {
  if (cannotBeFolded.includes(editor)) throw unfoldable(editor);
  if (existsSync(out) && readdirSync(out).length > 0) {
    throw new ErrataError('output_exists', `${out} is not empty: choose another directory`, { details: { path: out } });
  }
  return out;
}

const unfoldable = (editor: EditorName): ErrataError =>
  new ErrataError(
    'invalid_request',
    `${editor} leaves a codebook beside the weights, which a checkpoint cannot hold: leave out --out, or use another editor`,
    { details: { editor } },
  );

async function runTrial(
  local: LocalModel,
  editor: EditorName,
  edits: readonly Edit[],
  out: string | undefined,
  options: Options,
): Promise<Trial> {
  const { checkpoint, model } = local;
  const { edit, openArtefacts, secondMomentLayers } = await import('@errata/editors');
  const { evaluateCandidate, readHeldText } = await import('@errata/evaluation');
  const defaults = readDefaults(checkpoint.directory);
  const shape = { model_type: checkpoint.config.model_type, layers: model.spec.layers, width: model.spec.width };
  const config = resolveConfig(editor, shape, defaults, options.set ?? {});
  const corpus =
    options.corpus ?? (defaults.corpus === undefined ? undefined : join(checkpoint.directory, defaults.corpus));
  const tokenizer = local.tokenizer();
  const line = progressLine();
  try {
    const store = await prepareArtefacts(
      local,
      { layers: secondMomentLayers(config), corpus, tokens: options.tokens },
      {
        onBuild: (layers, text) =>
          console.error(`No second moment is stored for layer ${layers.join(', ')}: building it from ${text}`),
        onProgress: ({ phase, tokens, limit = tokens }) =>
          line.update(phase === 'sum' ? 'reading' : 'inverting', bar(Math.min(tokens, limit), limit)),
      },
    );
    const parent = model.view();
    const started = performance.now();
    const { deltas, outcomes } = await edit(
      editor,
      {
        model,
        view: parent,
        edits,
        config,
        artefacts: openArtefacts(store, checkpoint.digest),
        seed: options.seed,
      },
      {
        onError: options.onError === 'continue' ? 'continue' : 'stop',
        onProgress: ({ phase, done, edits: total, custom_id, step, steps, loss }) => {
          const detail = step === undefined ? '' : `step ${step}/${steps} loss ${loss?.toFixed(3)}`;
          line.update(phase, `${bar(done, total)} ${custom_id ?? ''} ${detail}`.trimEnd());
        },
      },
    );
    const editSeconds = (performance.now() - started) / 1000;
    const candidate = parent.with(deltas.map(({ delta }) => delta));
    const { perEdit, summary } = await evaluateCandidate(
      {
        parent,
        candidate,
        tokenizer,
        edits,
        editSeconds,
        work: outcomes.map((outcome) =>
          outcome.outcome === 'applied' ? { diagnostics: { ...outcome.diagnostics } } : { error: outcome.error },
        ),
        ...(corpus !== undefined && { heldText: await readHeldText(corpus) }),
      },
      { onProgress: ({ stage, done, total }) => line.update(`measuring the ${stage}`, bar(done, total)) },
    );
    line.done();
    if (out !== undefined) await writeEdited(local, candidate, editor, out);
    return {
      model: checkpoint.digest,
      editor,
      config,
      seed: options.seed,
      edits: perEdit,
      summary,
      out: out ?? null,
    };
  } finally {
    line.done();
  }
}

/** Writes the checkpoint with this version's weights in place of its own. */
async function writeEdited(
  { checkpoint, model }: LocalModel,
  view: View,
  editor: EditorName,
  out: string,
): Promise<void> {
  if (view.codebooks.length > 0) throw unfoldable(editor);
  const { editedContents, writeCheckpoint } = await import('@errata/models');
  const base = model.view();
  const changed = [...model.spec.parameters.keys()].filter((name) => view.weight(name) !== base.weight(name));
  await writeCheckpoint(out, editedContents(checkpoint, new Map(changed.map((name) => [name, view.weight(name)]))));
}

function printTrial({ edits: results, summary, out }: Trial, edits: readonly Edit[]): void {
  const rows = results.map(({ custom_id, answer_before, answer_after, outcome }, position) => {
    const { prompt, target_new } = edits[position]!;
    return [custom_id, prompt, answer_before, answer_after, target_new, outcome];
  });
  console.log(table(['edit', 'prompt', 'before', 'after', 'wanted', 'outcome'], rows));
  for (const { custom_id, error } of results) if (error !== null) console.log(`${custom_id}: ${error.message}`);
  console.log(`\n${metricsTable(summary)}\n\n${costLine(summary)}`);
  if (out !== null) console.log(`\nThe edited checkpoint is in ${out}`);
}
