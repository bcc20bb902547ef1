// What an engine process does: its methods over the blobs and models it holds.
import { join } from 'node:path';
import { openBlobs } from '@errata/blobs';
import { inSlices } from '@errata/contracts';
import { encodePrompt } from '@errata/models';
import { buildAndStore } from './artefacts/build-artefacts.ts';
import { fileArtefactStore } from './artefacts/file-artefacts.ts';
import type { EngineMethod, ParamsOf, PartOf, ResultOf } from './calls/index.ts';
import type { CallInParts } from './context.ts';
import { applyEdits } from './edits/apply-edits.ts';
import { layingOut } from './edits/lay-out-edits.ts';
import { tryEdits } from './edits/try-edits.ts';
import { compareResults } from './evaluations/compare-results.ts';
import { concludeProtocol } from './evaluations/conclude-protocol.ts';
import { evaluateCandidate } from './evaluations/evaluate-candidate.ts';
import { concludeEvaluation, evaluateCases } from './evaluations/evaluate-cases.ts';
import { readModel } from './models/import-model.ts';
import { createModelStore } from './models/model-store.ts';
import { createTextModels } from './models/text-models.ts';
import { budgetOf, type EngineSettings } from './settings.ts';
import { answerQuestion } from './texts/answer-question.ts';
import { complete } from './texts/complete.ts';
import { createEmbedder } from './texts/embed.ts';
import { compareVersions } from './versions/compare-versions.ts';
import { exportVersion } from './versions/export-version.ts';

type Methods = {
  readonly [M in EngineMethod]: (params: ParamsOf<M>, context: CallInParts<PartOf<M>>) => Promise<ResultOf<M>>;
};

export interface Service {
  call<M extends EngineMethod>(method: M, params: ParamsOf<M>, context: CallInParts<PartOf<M>>): Promise<ResultOf<M>>;
}

export async function createService(settings: EngineSettings): Promise<Service> {
  const blobs = await openBlobs(settings);
  const scratch = fileArtefactStore(join(settings.blobsDir, 'scratch'));
  const models = createModelStore(blobs, budgetOf(settings));
  const texts = createTextModels(blobs);
  const embed = createEmbedder(blobs);
  const methods: Methods = {
    inspectModel: (given, context) => readModel(given, undefined, { ...context, hub: settings.hub }),
    importModel: (given, context) => readModel(given, blobs, { ...context, hub: settings.hub }),
    buildArtefacts: async ({ model, ...params }, context) =>
      buildAndStore(await models.open(model), params, { blobs, scratch }, context),
    locateArtefact: async ({ blob }) => ({ path: await blobs.path(blob) }),
    layOutEdits: async ({ model, context, edits }, { signal }) => {
      const { tokenizer, defaults } = await texts(model);
      return { ...(await inSlices(layingOut({ tokenizer, context }, edits, signal))), defaults };
    },
    applyEdits: async ({ model, ...params }, context) => applyEdits(await models.open(model), params, blobs, context),
    evaluateCandidate: async (params, context) => evaluateCandidate(await models.open(params.model), params, context),
    evaluateCases: async ({ model, ...params }, context) => evaluateCases(await models.open(model), params, context),
    concludeEvaluation: async ({ model, ...params }, context) =>
      concludeEvaluation(await models.open(model), params, context),
    complete: async (params, context) => complete(await models.open(params.model), params, context),
    embed,
    keepWarm: async ({ versions }) => {
      await models.keepWarm(versions);
      return null;
    },
    tryEdits: async ({ model, ...params }, context) => tryEdits(await models.open(model), params, blobs, context),
    concludeProtocol: async ({ model, ...params }) => concludeProtocol(await models.open(model), params),
    compareResults: async (params) => compareResults(params),
    answerQuestion: async ({ model, ...params }, context) => answerQuestion(await models.open(model), params, context),
    compareVersions: async ({ model, ...params }, context) =>
      compareVersions(await models.open(model), params, context),
    digestWeights: async ({ model, version, fresh = false }) => {
      const open = await models.open(model);
      const view = fresh ? await open.freshView(version) : await open.view(version);
      return { digest: view.weightsDigest() };
    },
    exportVersion: async (params) => exportVersion(await models.open(params.model), params, blobs),
    snapshot: async ({ model, ...params }) => (await models.open(model)).snapshot(params),
    logits: async ({ model, version, prompt }) => {
      const open = await models.open(model);
      const ids = encodePrompt(open.tokenizer(), prompt, { context: open.model.spec.context });
      const [logits] = await (await open.view(version)).nextLogits([ids]);
      return { ids, logits: logits! };
    },
  };
  return { call: (method, params, context) => methods[method](params, context) };
}
