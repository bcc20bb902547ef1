// An editor under a protocol: edits made on a version to see what they do. No branch moves, and nothing stays but what was found.
import {
  type CaseRange,
  type DeltaReference,
  type EvaluatedEditor,
  isStream,
  type OpenUnit,
  type PlacedCase,
  type ProtocolUnit,
  planProtocol,
  type VersionSource,
  walkProtocol,
} from '@errata/contracts';
import { artefactNeeds, requireEditor, resolveConfig } from '@errata/editors/catalogue';
import { deltasBefore, type EvaluationWork, readCases, recordResults, referenceTexts } from '@errata/lineage';
import type { JobRun } from '../attempts/job-run.ts';
import { artefactsFor } from '../candidates/artefacts.ts';
import { modelDefaults, modelReference, modelShape } from '../models.ts';

/** Between two notes of progress of a stream, in ms. */
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
  const artefacts = await artefactsFor(run, model, defaults, artefactNeeds(editor, config, shape, seed));
  await run.move('evaluating');

  const reference = modelReference(model);
  const units = planProtocol(protocol, cases, { watched }).filter(
    ({ from, to }) => range.from <= from && to <= range.to,
  );
  const making = { model: reference, editor, config, seed, artefacts };
  const stream = isStream(protocol);
  const references = stream ? await referenceTexts(lineage, evaluationId) : [];
  let toldAt = 0;
  /** Of a stream, whose units are small, not every one is told. */
  const tell = ({ to }: ProtocolUnit): boolean => {
    const last = to === units.at(-1)?.to;
    if (stream && !last && performance.now() - toldAt < tellEveryMs) return false;
    toldAt = performance.now();
    return true;
  };
  await walkProtocol<PlacedCase, VersionSource>(protocol, units, {
    open: (some) => openUnits(run, evaluationId, some),
    // Whoever takes a stream over takes up the deltas that were kept.
    from: async ({ from }) => (stream ? withDeltas(version, await deltasBefore(lineage, evaluationId, from)) : version),
    make: async (open, onto) => {
      const batches = open.map((each) => each.cases);
      const upon = stream ? { version: onto, base: version, keep: true } : { version, keep: false };
      const { deltas, ...made } = await run.call('tryEdits', { ...making, ...upon, batches }, 'edit');
      await recordResults(lineage, run.lease, { job: run.job, deltas, ...made, tell: tell(open.at(-1)!.unit) });
      return withDeltas(onto, deltas);
    },
    ask: async ({ unit, cases: asked }, current) => {
      const versions = { against: version, base: version, version: current };
      const asking = { model: reference, ...versions, cases: asked, seed, ...besideTexts(asked, references) };
      const found = await run.call('evaluateCases', asking, 'evaluate');
      await recordResults(lineage, run.lease, { job: run.job, ...found, tell: tell(unit) });
    },
  });
}

/** Those of some units that follow one another whose cases have no result yet. */
export async function openUnits(
  run: JobRun,
  evaluationId: string,
  units: readonly ProtocolUnit[],
): Promise<readonly OpenUnit<PlacedCase>[]> {
  const stored = await readCases(run.context.lineage, evaluationId, { from: units[0]!.from, to: units.at(-1)!.to });
  return units.flatMap((unit) => {
    const own = stored.filter(({ position }) => unit.from <= position && position < unit.to);
    if (own.every(({ result }) => result !== null)) return [];
    return [{ unit, cases: own.map(({ result: _, ...placed }) => placed) }];
  });
}

/** Reference texts go where a text is asked for, and nowhere else: there may be many. */
export const besideTexts = (cases: readonly PlacedCase[], references: readonly string[]) =>
  cases.some(({ item }) => item.kind === 'text') ? { references } : {};

const withDeltas = (source: VersionSource, deltas: readonly DeltaReference[]): VersionSource => ({
  ...source,
  deltas: [...source.deltas, ...deltas],
});
