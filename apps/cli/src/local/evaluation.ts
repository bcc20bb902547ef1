// One run of an evaluation on a model directory opened in this process.
import type { ConfigOverrides, Protocol } from '@errata/contracts';
import { requireEditor } from '@errata/editors/catalogue';
import type { AbilitySuite, PreparedEditor, QuestionItem, RunManifest } from '@errata/evaluation';
import type { EvalData } from '../arguments/data-files.ts';
import { bar, type ProgressLine } from '../output/output.ts';
import { artefactsForEditor, corpusOf, localConfig } from './editing.ts';
import type { LocalModel } from './model.ts';

export interface LocalRun {
  /** `none` measures the model as it is. */
  readonly editor: string;
  readonly set: ConfigOverrides;
  readonly data: EvalData;
  readonly protocol: Protocol;
  readonly seed: number;
  readonly writers: number | undefined;
  readonly ability: readonly AbilitySuite[];
  /** That no edit is about. */
  readonly questions: readonly QuestionItem[];
  /** Text for statistics and perplexity; the model's own where undefined. */
  readonly corpus: string | undefined;
  /** What else is said of how artefacts are built. */
  readonly building: Readonly<Record<string, unknown>>;
}

/** Runs a protocol, or goes on with one, telling how far it is. */
export async function runLocally(
  local: LocalModel,
  run: LocalRun,
  directory: string,
  resume: boolean,
  line: ProgressLine,
): Promise<RunManifest> {
  const { readHeldText, runProtocol } = await import('@errata/evaluation');
  const corpus = corpusOf(local, run.corpus);
  const left = timeLeft();
  const editor = run.editor === 'none' ? null : await prepare(local, run, corpus, line);
  return runProtocol(
    directory,
    {
      model: local.model,
      tokenizer: local.tokenizer(),
      editor,
      cases: run.data.cases,
      rejected: run.data.rejected,
      protocol: run.protocol,
      seed: run.seed,
      ability: run.ability,
      questions: run.questions,
      ...(run.writers !== undefined && { writers: run.writers }),
      ...(corpus !== undefined && { heldText: await readHeldText(corpus) }),
    },
    {
      resume,
      onProgress: ({ done, total, edits }) => {
        const inModel = edits === 0 ? '' : `, ${edits} in the model`;
        line.update('evaluating', `${bar(done, total)}${inModel}${left(done, total)}`);
      },
    },
  );
}

async function prepare(
  local: LocalModel,
  { editor, set, building, seed }: LocalRun,
  corpus: string | undefined,
  line: ProgressLine,
): Promise<PreparedEditor> {
  const name = requireEditor(editor);
  const config = localConfig(local, name, set);
  return {
    name,
    config,
    artefacts: await artefactsForEditor(local, name, config, seed, { corpus, request: building }, line),
  };
}

/** How long the rest will take if it goes on as since the first call; nothing before that can be told. */
function timeLeft(): (done: number, total: number) => string {
  let first: { readonly done: number; readonly at: number } | undefined;
  return (done, total) => {
    first ??= { done, at: performance.now() };
    if (done - first.done < 10) return '';
    const minutes = ((performance.now() - first.at) * Math.max(total - done, 0)) / (done - first.done) / 60_000;
    if (minutes < 0.5) return '';
    return `, about ${minutes < 90 ? `${Math.round(minutes)} min` : `${(minutes / 60).toFixed(1)} h`} left`;
  };
}
