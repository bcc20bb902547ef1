// The runner: carries a protocol out on a model, keeps what it finds in a run's directory, and goes on where it stopped.
import {
  canonicalJson,
  type Edit,
  type EditorConfig,
  type EditorName,
  ErrataError,
  type ErrorCode,
  type EvaluationCase,
  type EvaluationResults,
  type PlainError,
  sha256,
} from '@errata/contracts';
import { type Artefacts, edit as applyEditor, type EditOutcome, type EditorResult } from '@errata/editors';
import { encodeDelta, type Model, type Tokenizer, type View } from '@errata/models';
import { type AnswerCache, createAnswerCache, readParent, unreadable } from '../answers.ts';
import type { EditWork } from '../evaluate.ts';
import { heldTokens, perplexityOf } from '../perplexity.ts';
import { distinctQuestions } from '../questions.ts';
import { measureCases, type Place, questionsOf } from './measure.ts';
import { checkpointsOf, type Protocol } from './protocol.ts';
import { makeManifest, openRun, type Run, type RunManifest, type UnitCost } from './run-directory.ts';

/** An editor with everything it needs beforehand. */
export interface PreparedEditor<N extends EditorName = EditorName> {
  readonly name: N;
  readonly config: EditorConfig<N>;
  readonly artefacts: Artefacts;
}

export interface ProtocolRun {
  readonly model: Model;
  readonly tokenizer: Tokenizer;
  /** `null` measures the model as it is. */
  readonly editor: PreparedEditor | null;
  readonly edits: readonly Edit[];
  readonly protocol: Protocol;
  /** Of everything random in the editor. */
  readonly seed: number;
  /** Text whose perplexity is measured along the way. */
  readonly heldText?: string;
}

/** How far a run has come, counted in measurements of a case: a lifelong run measures most cases many times. */
export interface RunProgress {
  readonly stage: 'editing' | 'testing';
  readonly done: number;
  readonly total: number;
  /** Edits in the model that is being worked on. */
  readonly edits: number;
}

export interface RunOptions {
  readonly onProgress?: (progress: RunProgress) => void;
  /** Checked between steps; its reason is thrown. What is complete stays, and the run can be resumed. */
  readonly signal?: AbortSignal;
}

/** Cases that are asked about together: enough to fill batches, few enough to hold their answers. */
const casesAtOnce = 64;
/** Seconds of work that a killed lifelong run loses at most, besides its last unit. */
const secondsBetweenStates = 30;
const perplexityTokens = 2048;

export function manifestOf({ model, editor, edits, protocol, seed, heldText }: ProtocolRun): RunManifest {
  return makeManifest({
    model: model.digest ?? model.view().weightsDigest(),
    edits: { digest: sha256(canonicalJson(edits)), count: edits.length },
    editor: editor?.name ?? 'none',
    config: editor?.config ?? {},
    seed,
    protocol,
    held_text: heldText === undefined ? null : sha256(heldText),
  });
}

/**
 * Runs a protocol, or goes on with one. What it finds is in the directory, which {@link readLines} reads.
 * @throws ErrataError `output_exists`, `run_mismatch`; whatever an editor throws that is not a failure of one edit
 */
export async function runProtocol(
  directory: string,
  input: ProtocolRun,
  options: RunOptions & { readonly resume?: boolean } = {},
): Promise<RunManifest> {
  const run = await openRun(directory, manifestOf(input), options.resume ?? false);
  try {
    const work = startWork(run, input, options);
    if (input.editor === null) await asIs(work);
    else if (input.protocol.kind === 'lifelong') await lifelong(work, input.editor, input.protocol);
    else await apart(work, input.editor, input.protocol.kind === 'batch' ? input.protocol.size : 1);
    return run.manifest;
  } finally {
    await run.close();
  }
}

interface Work {
  readonly run: Run;
  readonly input: ProtocolRun;
  readonly options: RunOptions;
  readonly base: View;
  readonly cache: AnswerCache;
  /** Cases that cannot be asked about, with the reason. */
  readonly errors: ReadonlyMap<Edit, EditWork['error']>;
  readonly held: readonly number[];
  readonly advance: (stage: RunProgress['stage'], cases: number, edits: number) => void;
}

function startWork(run: Run, input: ProtocolRun, options: RunOptions): Work {
  const { model, tokenizer, edits, protocol, editor } = input;
  const base = model.view();
  const errors = new Map<Edit, EditWork['error']>();
  for (const edit of edits) {
    const error = unreadable({ view: base, tokenizer }, questionsOf(edit));
    if (error !== undefined) errors.set(edit, error);
  }
  const checkpoints = editor !== null && protocol.kind === 'lifelong' ? checkpointsOf(protocol, edits.length) : [];
  const total = [...checkpoints].reduce((sum, at) => sum + at, edits.length);
  let done = 0;
  return {
    run,
    input,
    options,
    base,
    cache: createAnswerCache(200_000),
    errors,
    held: input.heldText === undefined ? [] : heldTokens(tokenizer, input.heldText, perplexityTokens),
    advance: (stage, cases, edits) => {
      options.signal?.throwIfAborted();
      done += cases;
      options.onProgress?.({ stage, done, total, edits });
    },
  };
}

/** The model without any edit. */
async function asIs(work: Work): Promise<void> {
  const { run, input, base } = work;
  for (const [index, edits] of chunks(input.edits, casesAtOnce)) {
    const name = `cases ${index}`;
    if (!run.isDone(name)) {
      const tested = await timed(() => measure(work, base, edits, { moment: 'once', edits: 0 }));
      await run.commit({ name, cost: cost(0, 0, tested.seconds, 0) }, tested.value);
    }
    work.advance('testing', edits.length, 0);
  }
  await measureModel(work, base, { moment: 'end', edits: 0 });
}

/** Batches that do not know of each other: each edits the base, is tested, and is thrown away. */
async function apart(work: Work, editor: PreparedEditor, size: number): Promise<void> {
  const { run, input, base } = work;
  const aheadOf = size * Math.ceil(casesAtOnce / size);
  for (const [group, ahead] of chunks(input.edits, aheadOf)) {
    // The base is asked about many cases at once, ahead of the candidates, which answer for themselves alone.
    const open = ahead.filter((edit) => !work.errors.has(edit));
    let asked = false;
    for (const [index, edits] of chunks(ahead, size)) {
      const name = `edits ${group * aheadOf + index * size}`;
      if (!run.isDone(name)) {
        if (!asked) await readParent({ view: base, tokenizer: input.tokenizer }, questions(open), cached(work));
        asked = true;
        work.advance('editing', 0, edits.length);
        const made = await timed(() => apply(work, editor, base, edits));
        const place: Place = { moment: size === 1 ? 'once' : 'end', edits: edits.length };
        const tested = await timed(() => measure(work, made.value.view, edits, place, made.value.failures));
        await run.commit(
          { name, cost: cost(edits.length, made.seconds, tested.seconds, made.value.bytes) },
          tested.value,
        );
      }
      work.advance('testing', edits.length, edits.length);
    }
  }
}

/** One model that keeps every edit. */
async function lifelong(
  work: Work,
  editor: PreparedEditor,
  protocol: Extract<Protocol, { kind: 'lifelong' }>,
): Promise<void> {
  const { run, input } = work;
  const checkpoints = checkpointsOf(protocol, input.edits.length);
  const saved = await run.loadState();
  let view = saved === undefined ? work.base : input.model.restore(saved.state);
  let keptAt = performance.now();
  const keep = async (edits: number) => {
    await run.saveState(edits, view.state());
    keptAt = performance.now();
  };

  for (const [index, edits] of chunks(input.edits, protocol.batch)) {
    const reached = Math.min(input.edits.length, (index + 1) * protocol.batch);
    const name = `step ${reached}`;
    // Edits between the state that was kept and the last unit are made again, but not tested again.
    if (reached > (saved?.edits ?? 0)) {
      work.advance('editing', 0, reached);
      const made = await timed(() => apply(work, editor, view, edits));
      // The state alone: a long run cannot hold every delta.
      view = input.model.restore(made.value.view.state());
      if (!run.isDone(name)) {
        const tested = await timed(() =>
          measure(work, view, edits, { moment: 'once', edits: reached }, made.value.failures),
        );
        await run.commit(
          { name, cost: cost(edits.length, made.seconds, tested.seconds, made.value.bytes) },
          tested.value,
        );
      }
    }
    work.advance('testing', edits.length, reached);
    if (checkpoints.has(reached)) {
      if (reached > (saved?.edits ?? 0)) await keep(reached);
      await checkpoint(work, view, reached);
    } else if (performance.now() - keptAt > 1000 * secondsBetweenStates) await keep(reached);
  }
}

/** Everything so far, asked again. */
async function checkpoint(work: Work, view: View, reached: number): Promise<void> {
  const { run, input } = work;
  const place: Place = { moment: reached === input.edits.length ? 'end' : 'curve', edits: reached };
  for (const [index, edits] of chunks(input.edits.slice(0, reached), casesAtOnce)) {
    const name = `checkpoint ${reached} cases ${index}`;
    if (!run.isDone(name)) {
      const tested = await timed(() => measure(work, view, edits, place));
      await run.commit({ name, cost: cost(0, 0, tested.seconds, 0) }, tested.value);
    }
    work.advance('testing', edits.length, reached);
  }
  await measureModel(work, view, place);
}

/** What is said of the model as a whole. */
async function measureModel({ run, held }: Work, view: View, place: Place): Promise<void> {
  const name = `model ${place.edits}`;
  if (run.isDone(name) || held.length < 2) return;
  const { value, seconds } = await timed(() => perplexityOf(view, held));
  const row = { ...place, case_id: 'held text', metric: 'perplexity', version: 1, value, before: null, count: 1 };
  await run.commit({ name, cost: cost(0, 0, seconds, 0) }, { cases: [], rows: [row] });
}

type EditFailures = Map<Edit, NonNullable<EditWork['error']>>;

interface Applied {
  readonly view: View;
  readonly failures: EditFailures;
  readonly bytes: number;
}

const batchFailures: readonly ErrorCode[] = ['zero_delta', 'non_finite_delta', 'edit_failed'];

/** Makes edits. One that cannot be made fails alone. */
async function apply(
  { input, errors, options }: Work,
  { name, config, artefacts }: PreparedEditor,
  view: View,
  edits: readonly Edit[],
): Promise<Applied> {
  const open = edits.filter((edit) => !errors.has(edit));
  if (open.length === 0) return { view, failures: new Map(), bytes: 0 };
  let result: EditorResult;
  try {
    result = await applyEditor(
      name,
      { model: input.model, view, edits: open, config, artefacts, seed: input.seed },
      { onError: 'continue', ...(options.signal && { signal: options.signal }) },
    );
  } catch (error) {
    // A batch may fail as one, on a model that many edits have worn out for instance; the run goes on without it.
    if (!(error instanceof ErrataError) || !batchFailures.includes(error.code)) throw error;
    return { view, failures: new Map(open.map((edit) => [edit, error])), bytes: 0 };
  }
  const { deltas, outcomes } = result;
  const failed = (outcome: EditOutcome, position: number): [Edit, Pick<PlainError, 'code' | 'message'>][] =>
    outcome.outcome === 'failed' ? [[open[position]!, outcome.error]] : [];
  return {
    view: view.with(deltas.map(({ delta }) => delta)),
    failures: new Map(outcomes.flatMap(failed)),
    bytes: deltas.reduce((sum, { delta }) => sum + encodeDelta(delta).byteLength, 0),
  };
}

/** Asks about cases. One whose edit could not be made is asked about all the same, and says why it was not made. */
async function measure(
  work: Work,
  candidate: View,
  edits: readonly Edit[],
  place: Place,
  failures: ReadonlyMap<Edit, NonNullable<EditWork['error']>> = new Map(),
): Promise<EvaluationResults> {
  const { input, base, cache, errors, options } = work;
  const { cases, rows } = await measureCases(
    {
      parent: base,
      candidate,
      tokenizer: input.tokenizer,
      edits,
      work: edits.map((edit): EditWork => ({ ...(errors.has(edit) && { error: errors.get(edit)! }) })),
      cache,
    },
    place,
    options.signal === undefined ? {} : { signal: options.signal },
  );
  return { rows, cases: cases.map((each, position) => withFailure(each, failures.get(edits[position]!))) };
}

const withFailure = (each: EvaluationCase, error: EditWork['error']): EvaluationCase =>
  error === undefined ? each : { ...each, outcome: 'failed', error: { code: error.code, message: error.message } };

const questions = (edits: readonly Edit[]) => distinctQuestions(edits.map(questionsOf));
const cached = ({ cache, options: { signal } }: Work) => ({ cache, ...(signal && { signal }) });

function cost(edits: number, edit_seconds: number, evaluate_seconds: number, bytes: number): UnitCost {
  return { edits, edit_seconds, evaluate_seconds, bytes, peak_bytes: 1024 * process.resourceUsage().maxRSS };
}

async function timed<T>(work: () => Promise<T>): Promise<{ readonly value: T; readonly seconds: number }> {
  const started = performance.now();
  return { value: await work(), seconds: (performance.now() - started) / 1000 };
}

function* chunks<T>(list: readonly T[], size: number): Generator<readonly [number, readonly T[]]> {
  for (let at = 0; at < list.length; at += size) yield [at / size, list.slice(at, at + size)];
}
