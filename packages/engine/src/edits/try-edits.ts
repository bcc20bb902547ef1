// Edits made to see what they do, and thrown away: batches on one version, each asked about.
import {
  addCosts,
  type CaseResult,
  type Cost,
  type DeltaReference,
  type Edit,
  noCost,
  type PlacedCase,
} from '@errata/contracts';
import { type EditOutcome, edit, openArtefacts } from '@errata/editors';
import { requireEditor, resolveConfig } from '@errata/editors/catalogue';
import { encodeDelta, type View } from '@errata/models';
import type { ParamsOf, ResultOf } from '../calls/index.ts';
import type { CallContext } from '../context.ts';
import { askMetered } from '../evaluations/evaluate-cases.ts';
import type { OpenModel } from '../models/model-store.ts';
import { artefactStore, type Stores } from './apply-edits.ts';

type Params = Omit<ParamsOf<'tryEdits'>, 'model'>;

interface Made {
  readonly view: View;
  readonly cost: Cost;
  readonly deltas: readonly DeltaReference[];
  /** What became of the edits, by the id of their case. */
  readonly outcomes: ReadonlyMap<string, EditOutcome>;
}

export async function tryEdits(
  open: OpenModel,
  params: Params,
  stores: Stores,
  context: CallContext,
): Promise<ResultOf<'tryEdits'>> {
  const parent = await open.view(params.version);
  const third = params.base === undefined ? {} : { base: await open.view(params.base) };
  const tokenizer = open.tokenizer();
  const results: CaseResult[] = [];
  const costs: Cost[] = [];
  const deltas: DeltaReference[] = [];
  const total = params.batches.length;
  for (const [index, cases] of params.batches.entries()) {
    context.onProgress({ stage: 'editing', done: index, total });
    const made = await makeEdits(open, parent, cases, params, stores, context);
    const asking = { against: parent, version: made.view, ...third, tokenizer, cases };
    // How far the asking of one batch has come says nothing of the whole.
    const asked = await askMetered(asking, { signal: context.signal, onProgress: () => {} });
    for (const result of asked.results) {
      const outcome = made.outcomes.get(result.case_id);
      const failure = outcome?.outcome === 'failed' && { outcome: 'failed' as const, error: outcome.error };
      results.push({ ...result, ...failure, ...(outcome && { edit: outcome.outcome }) });
    }
    costs.push(made.cost, asked.cost);
    deltas.push(...made.deltas);
  }
  return { results, cost: addCosts(costs), deltas };
}

async function makeEdits(
  open: OpenModel,
  view: View,
  cases: readonly PlacedCase[],
  params: Params,
  stores: Stores,
  { signal }: CallContext,
): Promise<Made> {
  // Edits of several jobs may have one custom_id.
  const edits = cases.flatMap(({ case_id, item }): Edit[] =>
    item.kind === 'edit' ? [{ ...item.edit, custom_id: case_id }] : [],
  );
  const editor = requireEditor(params.editor);
  const config = resolveConfig(editor, open.shape, open.defaults, params.config);
  const artefacts = openArtefacts(artefactStore(params.artefacts, open.digest, stores), open.digest);
  const started = performance.now();
  const solved = await edit(
    editor,
    { model: open.model, view, edits, config, artefacts, seed: params.seed },
    { signal, onError: 'continue' },
  );
  const edit_seconds = secondsSince(started);
  const outcomes = new Map(solved.outcomes.map((outcome) => [outcome.custom_id, outcome]));
  let stored_bytes = 0;
  const deltas: DeltaReference[] = [];
  for (const { delta } of solved.deltas) {
    const bytes = encodeDelta(delta);
    stored_bytes += bytes.byteLength;
    if (params.keep) deltas.push({ kind: delta.kind, blob: (await stores.blobs.put(bytes)).sha256 });
  }
  const made = view.with(solved.deltas.map(({ delta }) => delta));
  return { view: made, cost: { ...noCost, edits: edits.length, edit_seconds, stored_bytes }, deltas, outcomes };
}

const secondsSince = (started: number): number => (performance.now() - started) / 1000;
