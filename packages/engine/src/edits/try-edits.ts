// Edits made to see what they do, and thrown away: batches on one version, each asked about.
import type { LocalBlobStore } from '@errata/blobs';
import { addCosts, type CaseResult, type Cost, type DeltaReference, type Edit, noCost } from '@errata/contracts';
import { makeEdits, withOutcome } from '@errata/editors';
import { requireEditor, resolveConfig } from '@errata/editors/catalogue';
import { storedArtefacts } from '../artefacts/build-artefacts.ts';
import type { ParamsOf, ResultOf } from '../calls/index.ts';
import type { CallContext } from '../context.ts';
import { askMetered } from '../evaluations/evaluate-cases.ts';
import type { OpenModel } from '../models/model-store.ts';

type Params = Omit<ParamsOf<'tryEdits'>, 'model'>;

export async function tryEdits(
  open: OpenModel,
  params: Params,
  blobs: LocalBlobStore,
  context: CallContext,
): Promise<ResultOf<'tryEdits'>> {
  const parent = await open.view(params.version);
  const third = params.base === undefined ? {} : { base: await open.view(params.base) };
  const tokenizer = open.tokenizer();
  const editor = requireEditor(params.editor);
  const config = resolveConfig(editor, open.shape, open.defaults, params.config);
  const artefacts = storedArtefacts(open.digest, params.artefacts, blobs);
  const making = { editor, model: open.model, view: parent, config, artefacts, seed: params.seed };
  const { signal } = context;
  const results: CaseResult[] = [];
  const costs: Cost[] = [];
  const deltas: DeltaReference[] = [];
  const total = params.batches.length;
  for (const [index, cases] of params.batches.entries()) {
    context.onProgress({ stage: 'editing', done: index, total });
    // Edits of several jobs may have one custom_id.
    const edits = cases.flatMap(({ case_id, item }): Edit[] =>
      item.kind === 'edit' ? [{ ...item.edit, custom_id: case_id }] : [],
    );
    const made = await makeEdits({ ...making, edits }, { signal, onError: 'continue' });
    const stored_bytes = made.deltas.reduce((sum, { bytes }) => sum + bytes.byteLength, 0);
    costs.push({ ...noCost, edits: edits.length, edit_seconds: made.seconds, stored_bytes });
    if (params.keep)
      for (const { delta, bytes } of made.deltas)
        deltas.push({ kind: delta.kind, blob: (await blobs.put(bytes)).sha256 });
    const asking = { against: parent, version: made.candidate(), ...third, tokenizer, cases };
    // How far the asking of one batch has come says nothing of the whole.
    const asked = await askMetered(asking, { signal, onProgress: () => {} });
    costs.push(asked.cost);
    const outcomes = new Map(made.outcomes.map((outcome) => [outcome.custom_id, outcome]));
    for (const result of asked.results) {
      const outcome = outcomes.get(result.case_id);
      results.push({ ...withOutcome(result, outcome), ...(outcome && { edit: outcome.outcome }) });
    }
  }
  return { results, cost: addCosts(costs), deltas };
}
