// The runner: carries a protocol out on a model, keeps what it finds in a run's directory, and goes on where it stopped.
import { canonicalJson, catalogueDigest, mergeResults, sha256 } from '@errata/contracts';
import type { View } from '@errata/models';
import { readParent } from '../asking/answers.ts';
import { distinctQuestions } from '../asking/questions.ts';
import type { DatasetCase } from '../datasets/cases.ts';
import { applyEdits } from './apply-edits.ts';
import { efficiency } from './efficiency.ts';
import { defaultWriters, type PreparedEditor, type ProtocolRun, type RunOptions } from './inputs.ts';
import { measureCases, type Place } from './measure-cases.ts';
import { measureModel, ofOneVersion } from './measure-model.ts';
import { checkpointsOf, type Protocol } from './protocol.ts';
import { makeManifest, openRun, type RunManifest } from './run-directory.ts';
import { chunks, editsOf, questionsOf, startMeter, startWork, type Work } from './work.ts';

/** Cases that are asked about together: enough to fill batches, few enough to hold their answers. */
const casesAtOnce = 64;
/** Seconds of work that a killed lifelong run does again at most, besides its last unit. */
const secondsBetweenStates = 30;

export function manifestOf({
  model,
  editor,
  cases,
  rejected = 0,
  protocol,
  seed,
  heldText,
  writers,
  ability = [],
  questions = [],
}: ProtocolRun): RunManifest {
  return makeManifest({
    metrics: catalogueDigest(),
    model: model.digest ?? model.view().weightsDigest(),
    data: { digest: sha256(canonicalJson(cases)), cases: cases.length, edits: editsOf(cases).length, rejected },
    editor: editor?.name ?? 'none',
    config: editor?.config ?? {},
    seed,
    protocol,
    held_text: heldText === undefined ? null : sha256(heldText),
    writers: writers ?? defaultWriters,
    ability: ability.map(({ task, digest, items }) => ({ task, digest, items })),
    questions: questions.length === 0 ? null : { digest: sha256(canonicalJson(questions)), items: questions.length },
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
    const { protocol, editor, cases } = input;
    const checkpoints = editor !== null && protocol.kind === 'lifelong' ? checkpointsOf(protocol, cases.length) : [];
    const total = [...checkpoints].reduce((sum, at) => sum + at, cases.length);
    const work = startWork(run, input, options, total);
    if (editor === null) await asIs(work);
    else if (protocol.kind === 'efficiency') await efficiency(work, editor, protocol);
    else if (protocol.kind === 'lifelong') await lifelong(work, editor, protocol);
    else await apart(work, editor, protocol.kind === 'batch' ? protocol.size : 1);
    return run.manifest;
  } finally {
    await run.close();
  }
}

/** The model without any edit. */
async function asIs(work: Work): Promise<void> {
  const { run, input, base } = work;
  for (const [index, cases] of chunks(input.cases, casesAtOnce)) {
    const name = `cases ${index}`;
    if (!run.isDone(name)) {
      const meter = startMeter(work);
      const place: Place = { moment: 'once', edits: 0 };
      const found = await measureCases(work, { parent: base, candidate: base }, cases, place, meter);
      await run.commit({ name, cost: meter.cost() }, found);
    }
    work.advance('testing', cases.length, 0);
  }
  await whole(work, base, { moment: 'once', edits: 0 });
}

/** Batches that do not know of each other: each edits the base, is tested, and is thrown away. */
async function apart(work: Work, editor: PreparedEditor, size: number): Promise<void> {
  const { run, input, base } = work;
  const aheadOf = size * Math.ceil(casesAtOnce / size);
  for (const [group, ahead] of chunks(input.cases, aheadOf)) {
    let known = false;
    for (const [index, cases] of chunks(ahead, size)) {
      const name = `cases ${group * aheadOf + index * size}`;
      if (!run.isDone(name)) {
        const meter = startMeter(work);
        // The base is asked about many cases at once, ahead of the candidates, which answer for themselves alone.
        if (!known) await meter.time('answer_seconds', () => askBase(work, ahead));
        known = true;
        const place: Place = { moment: size === 1 ? 'once' : 'end', edits: editsOf(cases).length };
        work.advance('editing', 0, place.edits);
        const { view, failures } = await applyEdits(work, editor, base, cases, meter);
        const found = await measureCases(work, { parent: base, candidate: view, failures }, cases, place, meter);
        const model = await measureModel(work, view, place, meter);
        const version = `${input.protocol.kind === 'single' ? 'edit' : 'batch'} ${group * (aheadOf / size) + index + 1}`;
        const isOnly = input.cases.length <= size;
        const asWhole = isOnly ? model : ofOneVersion(model, version);
        await run.commit({ name, cost: meter.cost() }, mergeResults([found, asWhole]));
      }
      work.advance('testing', cases.length, size);
    }
  }
}

async function askBase({ base, input, baseAnswers, unreadable, signal }: Work, cases: readonly DatasetCase[]) {
  const edits = editsOf(cases).filter((edit) => !unreadable.has(edit));
  const options = { cache: baseAnswers, ...(signal && { signal }) };
  await readParent({ view: base, tokenizer: input.tokenizer }, distinctQuestions(edits.map(questionsOf)), options);
}

/** One model that keeps every edit. */
async function lifelong(
  work: Work,
  editor: PreparedEditor,
  protocol: Extract<Protocol, { kind: 'lifelong' }>,
): Promise<void> {
  const { run, input } = work;
  const checkpoints = checkpointsOf(protocol, input.cases.length);
  const saved = await run.loadState();
  let view = saved === undefined ? work.base : input.model.restore(saved.state);
  let keptAt = performance.now();
  let edits = 0;

  for (const [index, cases] of chunks(input.cases, protocol.batch)) {
    const reached = Math.min(input.cases.length, (index + 1) * protocol.batch);
    edits += editsOf(cases).length;
    const name = `step ${reached}`;
    const isNew = reached > (saved?.step ?? 0);
    // What lies between the state that was kept and the last unit is edited again, but not tested again.
    if (isNew) {
      work.advance('editing', 0, edits);
      const meter = startMeter(work);
      const { view: candidate, failures } = await applyEdits(work, editor, view, cases, meter);
      if (!run.isDone(name)) {
        const place: Place = { moment: 'once', edits };
        const measured = { parent: view, candidate, base: work.base, failures };
        const found = await measureCases(work, measured, cases, place, meter);
        await run.commit({ name, cost: meter.cost() }, found);
      }
      // The state alone: a long run cannot hold every delta.
      view = input.model.restore(candidate.state());
    }
    work.advance('testing', cases.length, edits);
    const due = checkpoints.has(reached) || performance.now() - keptAt > 1000 * secondsBetweenStates;
    if (isNew && due) {
      await run.saveState(reached, view.state());
      keptAt = performance.now();
    }
    if (checkpoints.has(reached)) await checkpoint(work, view, reached, edits);
  }
}

/** Everything so far, asked again. */
async function checkpoint(work: Work, view: View, reached: number, edits: number): Promise<void> {
  const { run, input, base } = work;
  const place: Place = { moment: reached === input.cases.length ? 'end' : 'curve', edits };
  for (const [index, cases] of chunks(input.cases.slice(0, reached), casesAtOnce)) {
    const name = `checkpoint ${reached} cases ${index}`;
    if (!run.isDone(name)) {
      const meter = startMeter(work);
      const found = await measureCases(work, { parent: base, candidate: view }, cases, place, meter);
      await run.commit({ name, cost: meter.cost() }, found);
    }
    work.advance('testing', cases.length, edits);
  }
  await whole(work, view, place);
}

/** The model as a whole. */
async function whole(work: Work, view: View, place: Place): Promise<void> {
  const name = `model ${place.edits}`;
  if (work.run.isDone(name)) return;
  const meter = startMeter(work);
  const found = await measureModel(work, view, place, meter);
  await work.run.commit({ name, cost: meter.cost() }, found);
}
