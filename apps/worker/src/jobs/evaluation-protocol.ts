// An editor under a protocol: edits made on a version to see what they do. No branch moves, and nothing stays but what was found.
import {
  type CaseRange,
  casesInBlock,
  type DeltaReference,
  type EvaluatedEditor,
  type PlacedCase,
  type ProtocolUnit,
  planProtocol,
  type VersionSource,
} from '@errata/contracts';
import { artefactNeeds, requireEditor, resolveConfig, secondMomentLayers } from '@errata/editors/catalogue';
import {
  deltasBefore,
  type EvaluationWork,
  readCases,
  recordResults,
  referenceTexts,
  type StoredCase,
} from '@errata/lineage';
import type { JobRun } from '../attempts/job-run.ts';
import { secondMomentsFor } from '../candidates/artefacts.ts';
import { modelDefaults, modelReference, modelShape } from '../models.ts';

/** Between two notes of progress of a stream, whose units are small, in ms. */
const tellEveryMs = 1000;

export async function followProtocol(
  run: JobRun,
  work: EvaluationWork,
  { name, config: overrides, seed, protocol }: EvaluatedEditor,
  range: CaseRange,
): Promise<void> {
  const { lineage, blobs } = run.context;
  const { model, version, evaluationId, cases, watched } = work;
  const editor = requireEditor(name);
  const defaults = await modelDefaults(blobs, model);
  const shape = modelShape(model);
  const config = resolveConfig(editor, shape, defaults, overrides);
  const layers = secondMomentLayers(artefactNeeds(editor, config, shape));
  const artefacts = await secondMomentsFor(run, model, defaults, layers);
  await run.move('evaluating');

  const reference = modelReference(model);
  const units = planProtocol(protocol, cases, watched).filter(({ from, to }) => range.from <= from && to <= range.to);
  const making = { model: reference, editor, config, seed, artefacts };
  if (protocol.kind === 'lifelong') await followStream();
  else await followApart();

  /** Units that do not know of each other are worked, and kept, some at a time. */
  async function followApart(): Promise<void> {
    for (const some of inBlocks(units)) {
      const stored = await readCases(lineage, evaluationId, { from: some[0]!.from, to: some.at(-1)!.to });
      if (isDone(stored)) continue;
      const batches = some.map(({ from, to }) => casesOf(stored, from, to));
      const tried = await run.call('tryEdits', { ...making, version, batches, keep: false }, 'edit');
      await recordResults(lineage, run.lease, { job: run.job, results: tried.results, cost: tried.cost });
    }
  }

  /** Every unit goes on from what the ones before it left: whoever takes a stream over takes up the deltas that were kept. */
  async function followStream(): Promise<void> {
    let current: VersionSource = version;
    let toldAt = 0;
    const tell = (last: boolean) => {
      if (!last && performance.now() - toldAt < tellEveryMs) return false;
      toldAt = performance.now();
      return true;
    };
    let resumed = false;
    const references = await referenceTexts(lineage, evaluationId);
    for (const [index, { kind, from, to }] of units.entries()) {
      const stored = await readCases(lineage, evaluationId, { from, to });
      if (isDone(stored)) continue;
      if (!resumed) current = withDeltas(version, await deltasBefore(lineage, evaluationId, from));
      resumed = true;
      const unit = casesOf(stored, from, to);
      const last = index === units.length - 1;
      if (kind === 'ask') {
        const versions = { against: version, base: version, version: current };
        const asking = { model: reference, ...versions, cases: unit, seed, ...besideTexts(unit, references) };
        const asked = await run.call('evaluateCases', asking, 'evaluate');
        await recordResults(lineage, run.lease, { job: run.job, ...asked, tell: tell(last) });
        continue;
      }
      const onto = { version: current, base: version, keep: true };
      const made = await run.call('tryEdits', { ...making, ...onto, batches: [unit] }, 'edit');
      current = withDeltas(current, made.deltas);
      await recordResults(lineage, run.lease, { job: run.job, ...made, tell: tell(last) });
    }
  }
}

/** Reference texts go where a text is asked for, and nowhere else: there may be many. */
export const besideTexts = (cases: readonly PlacedCase[], references: readonly string[]) =>
  cases.some(({ item }) => item.kind === 'text') ? { references } : {};

const isDone = (stored: readonly StoredCase[]): boolean => stored.every(({ result }) => result !== null);

const casesOf = (stored: readonly StoredCase[], from: number, to: number): readonly PlacedCase[] =>
  stored.flatMap(({ result: _, ...placed }) => (from <= placed.position && placed.position < to ? [placed] : []));

const withDeltas = (source: VersionSource, deltas: readonly DeltaReference[]): VersionSource => ({
  ...source,
  deltas: [...source.deltas, ...deltas],
});

/** Units together until they hold enough cases to be worth a write. */
function* inBlocks(units: readonly ProtocolUnit[]): Generator<readonly ProtocolUnit[]> {
  let block: ProtocolUnit[] = [];
  for (const unit of units) {
    block.push(unit);
    if (unit.to - block[0]!.from < casesInBlock) continue;
    yield block;
    block = [];
  }
  if (block.length > 0) yield block;
}
