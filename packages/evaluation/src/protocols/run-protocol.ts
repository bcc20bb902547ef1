// The runner: carries a protocol out on a model, keeps what it finds in a run's directory, and goes on where it stopped.
import {
  canonicalJson,
  catalogueDigest,
  mergeResults,
  type OpenUnit,
  type Protocol,
  type ProtocolUnit,
  planProtocol,
  sha256,
  walkProtocol,
} from '@errata/contracts';
import type { EditOutcome } from '@errata/editors';
import type { View } from '@errata/models';
import { type AnswerCache, createAnswerCache, readParent, unreadable } from '../asking/answers.ts';
import { distinctQuestions } from '../asking/questions.ts';
import type { DatasetCase } from '../datasets/cases.ts';
import { writeAhead } from '../probes/texts.ts';
import { efficiency } from './efficiency.ts';
import { defaultWriters, type PreparedEditor, type ProtocolRun, type RunOptions } from './inputs.ts';
import { measureCases } from './measure-cases.ts';
import { measureModel, ofOneVersion } from './measure-model.ts';
import { makeManifest, openRun, type RunManifest } from './run-directory.ts';
import {
  editsOf,
  type Meter,
  makeEditsOf,
  openUnit,
  questionsOf,
  type Steps,
  startMeter,
  startWork,
  type Work,
} from './work.ts';

/** Cases that are asked about together: enough to fill batches, few enough to hold their answers. */
const casesAtOnce = 64;
/** Seconds of work that a killed lifelong run does again at most, besides its last unit. */
const secondsBetweenStates = 30;

function manifestOf({
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
    const { editor, cases } = input;
    // Without an editor the model is as it is, whatever the protocol.
    const protocol = editor === null ? null : input.protocol;
    const edits = cases.map((each) => each.edits.length);
    // What is said of the model as a whole is one unit wherever it is due.
    const units = planProtocol(protocol, cases.length, { watched: 1, edits, block: casesAtOnce });
    const counted = units.filter((unit) => !isWhole(unit, input) && (unit.kind === 'make' || !isEfficiency(protocol)));
    const total = counted.reduce((sum, { from, to }) => sum + to - from, 0);
    const work = startWork(run, input, options, total);
    await walkProtocol(protocol, units, await stepsOf(work, protocol, units), casesAtOnce);
    return run.manifest;
  } finally {
    await run.close();
  }
}

async function stepsOf(work: Work, protocol: Protocol | null, units: readonly ProtocolUnit[]): Promise<Steps> {
  const { editor } = work.input;
  if (editor === null || protocol === null) return asIs(work);
  if (protocol.kind === 'efficiency') return efficiency(work, editor);
  return protocol.kind === 'lifelong' ? lifelong(work, editor, units) : apart(work, editor, protocol);
}

const isEfficiency = (protocol: Protocol | null): boolean => protocol?.kind === 'efficiency';

/** Whether a unit is about the model as a whole. */
const isWhole = ({ first }: ProtocolUnit, { cases }: Pick<ProtocolRun, 'cases'>): boolean => first === cases.length;

/** The model without any edit. */
function asIs(work: Work): Steps {
  const { input, base } = work;
  const nameOf = (unit: ProtocolUnit) =>
    isWhole(unit, input) ? `model ${unit.place.edits}` : `cases ${unit.first / casesAtOnce}`;
  return {
    open: (units) => openUnits(work, units, nameOf),
    from: () => base,
    make: async (_, version) => version,
    ask: (open) => ask(work, base, open, nameOf(open.unit)),
    skipped: (unit) => tested(work, unit),
  };
}

/** Batches that do not know of each other: each edits the base, is tested, and is thrown away. */
function apart(work: Work, editor: PreparedEditor, protocol: Extract<Protocol, { kind: 'single' | 'batch' }>): Steps {
  const { run, input, base } = work;
  const [what, size] = protocol.kind === 'single' ? ['edit', 1] : ['batch', protocol.size];
  const nameOf = ({ first }: ProtocolUnit) => `cases ${first}`;
  const passed = ({ from, to }: ProtocolUnit) => work.advance('testing', to - from, size);
  return {
    open: (units) => openUnits(work, units, nameOf),
    from: () => base,
    make: async (open, _, block) => {
      // The base is asked about many cases at once, ahead of the candidates, which answer for themselves alone.
      let ahead: (() => Promise<void>) | undefined = () =>
        askBase(
          work,
          block.flatMap((each) => openUnit(input, each).cases),
        );
      const isOpen = (unit: ProtocolUnit) => open.some((each) => each.unit === unit);
      for (const company of inCompanies(block, (unit) => writesIn(work, openUnit(input, unit).cases))) {
        if (!company.some(isOpen)) continue;
        const made: MadeUnit[] = [];
        // Where texts are written together, those that are done are edited again: equal company, equal texts.
        for (const unit of company) {
          const meter = startMeter(work);
          if (ahead !== undefined) await meter.time('answer_seconds', ahead);
          ahead = undefined;
          work.advance('editing', 0, unit.place.edits);
          const { cases } = openUnit(input, unit);
          made.push({
            unit,
            cases,
            meter,
            written: createAnswerCache(),
            ...(await makeEditsOf(work, editor, base, cases, meter)),
          });
        }
        await writeTogether(work, made);
        for (const { unit, cases, meter, view, outcomes, written } of made) {
          if (!isOpen(unit)) continue;
          const measured = { parent: base, candidate: view, outcomes, written };
          const found = await measureCases(work, measured, cases, unit.place, meter);
          const model = await measureModel(work, view, unit.place, meter);
          const isOnly = input.cases.length <= size;
          const asWhole = isOnly ? model : ofOneVersion(model, `${what} ${unit.first / size + 1}`);
          await run.commit({ name: nameOf(unit), cost: meter.cost() }, mergeResults([found, asWhole]));
          passed(unit);
        }
      }
      return base;
    },
    ask: async () => {},
    skipped: passed,
  };
}

/** A unit whose edits are made. */
interface MadeUnit extends OpenUnit<DatasetCase> {
  readonly meter: Meter;
  readonly view: View;
  readonly outcomes: readonly EditOutcome[];
  readonly written: AnswerCache<readonly string[]>;
}

/** Candidates whose texts are written together: each has some matrices of its own, and brings some ten texts. */
const companySize = 6;

/** Units side by side, up to the last that writes; what writes nothing stands alone. */
function* inCompanies(
  units: readonly ProtocolUnit[],
  writes: (unit: ProtocolUnit) => boolean,
): Generator<readonly ProtocolUnit[]> {
  let company: ProtocolUnit[] = [];
  for (const unit of units) {
    if (!writes(unit)) yield [unit];
    else company.push(unit);
    if (company.length < companySize) continue;
    yield company;
    company = [];
  }
  if (company.length > 0) yield company;
}

const writesIn = ({ writers }: Work, cases: readonly DatasetCase[]): boolean => cases.some((each) => writers.has(each));

/** Has the candidates write their texts in one go. What that takes is shared out among them. */
async function writeTogether({ input, writers, signal }: Work, made: readonly MadeUnit[]): Promise<void> {
  const started = performance.now();
  await writeAhead(
    input,
    made.map(({ view, cases, written }) => ({
      view,
      cases: cases.filter((each) => writers.has(each)),
      cache: written,
    })),
    signal && { signal },
  );
  const share = (performance.now() - started) / 1000 / made.length;
  for (const { meter } of made) meter.note({ answer_seconds: share });
}

/** Asks the base about cases, and has it write the texts of those that are written for. */
async function askBase({ base, input, baseAnswers, baseTexts, writers, signal }: Work, cases: readonly DatasetCase[]) {
  const respondent = { view: base, tokenizer: input.tokenizer };
  const asked = editsOf(cases)
    .map(questionsOf)
    .filter((group) => unreadable(respondent, group) === undefined);
  const options = { cache: baseAnswers, ...(signal && { signal }) };
  await readParent(respondent, distinctQuestions(asked), options);
  const writing = { view: base, cases: cases.filter((each) => writers.has(each)), cache: baseTexts };
  await writeAhead(input, [writing], signal && { signal });
}

/** One model that keeps every edit. */
async function lifelong(work: Work, editor: PreparedEditor, units: readonly ProtocolUnit[]): Promise<Steps> {
  const { run, input, base } = work;
  const checkpoints = new Set(units.flatMap(({ kind, reached }) => (kind === 'ask' ? [reached] : [])));
  const saved = await run.loadState();
  const kept = saved?.step ?? 0;
  let keptAt = performance.now();
  const nameOf = (unit: ProtocolUnit) => {
    if (unit.kind === 'make') return `step ${unit.reached}`;
    if (isWhole(unit, input)) return `model ${unit.place.edits}`;
    return `checkpoint ${unit.reached} cases ${unit.first / casesAtOnce}`;
  };
  /** The state alone: a long run cannot hold every delta. */
  const goOn = async ({ reached }: ProtocolUnit, candidate: View): Promise<View> => {
    const view = input.model.restore(candidate.state());
    if (checkpoints.has(reached) || performance.now() - keptAt > 1000 * secondsBetweenStates) {
      await run.saveState(reached, view.state());
      keptAt = performance.now();
    }
    return view;
  };
  return {
    open: (some) => openUnits(work, some, nameOf),
    // What lies between the state that was kept and the first unit that is open is edited again, but not tested again.
    from: async (first) => {
      let view = saved === undefined ? base : input.model.restore(saved.state);
      for (const unit of units) {
        if (unit.from >= first.from) break;
        if (unit.kind === 'ask' || unit.reached <= kept) continue;
        work.advance('editing', 0, unit.place.edits);
        const { cases } = openUnit(input, unit);
        view = await goOn(unit, (await makeEditsOf(work, editor, view, cases, startMeter(work))).view);
      }
      return view;
    },
    make: async ([open], view) => {
      const { unit, cases } = open!;
      work.advance('editing', 0, unit.place.edits);
      const meter = startMeter(work);
      const { view: candidate, outcomes } = await makeEditsOf(work, editor, view, cases, meter);
      const measured = { parent: view, candidate, base, outcomes };
      const found = await measureCases(work, measured, cases, unit.place, meter);
      await run.commit({ name: nameOf(unit), cost: meter.cost() }, found);
      const next = await goOn(unit, candidate);
      tested(work, unit);
      return next;
    },
    ask: (open, view) => ask(work, view, open, nameOf(open.unit)),
    skipped: (unit) => tested(work, unit),
  };
}

/** Those of some units that a run does not hold yet. */
const openUnits = ({ run, input }: Work, units: readonly ProtocolUnit[], nameOf: (unit: ProtocolUnit) => string) =>
  units.filter((unit) => !run.isDone(nameOf(unit))).map((unit) => openUnit(input, unit));

/** Cases asked about on a version, or the version as a whole. */
async function ask(work: Work, view: View, { unit, cases }: OpenUnit<DatasetCase>, name: string): Promise<void> {
  const { run, input, base } = work;
  const meter = startMeter(work);
  const found = isWhole(unit, input)
    ? await measureModel(work, view, unit.place, meter)
    : await measureCases(work, { parent: base, candidate: view }, cases, unit.place, meter);
  await run.commit({ name, cost: meter.cost() }, found);
  tested(work, unit);
}

function tested(work: Work, unit: ProtocolUnit): void {
  if (!isWhole(unit, work.input)) work.advance('testing', unit.to - unit.from, unit.place.edits);
}
