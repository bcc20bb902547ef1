// Second moments for a job: those stored already, and those that are missing built on the way.
import {
  type ArtefactResource,
  type ArtefactUse,
  ErrataError,
  layerScope,
  secondMomentFormat,
} from '@errata/contracts';
import {
  artefactNeeds,
  type EditorName,
  type ModelDefaults,
  resolveConfig,
  secondMomentLayers,
} from '@errata/editors/catalogue';
import type { BuiltArtefact } from '@errata/engine';
import { findArtefact, listArtefacts, type NewArtefact, recordArtefacts, type StoredModel } from '@errata/lineage';
import type { JobRun } from '../attempts/job-run.ts';
import { modelReference, modelShape } from '../models.ts';

const kind = 'second_moment';

/** What a second moment is built from, as far as the request says. */
export interface SecondMomentSource {
  /** A text file; the model's own corpus when null. */
  readonly corpus: string | null;
  /** Tokens read at most; the builder's default when null. */
  readonly tokens: number | null;
  /** Added to the diagonal, as a fraction of its mean; null for what the builder finds necessary. */
  readonly ridge: number | null;
}

/** The layers that editors use with their default settings for a model, in ascending order. */
export function defaultSecondMomentLayers(
  editors: readonly EditorName[],
  model: StoredModel,
  defaults: ModelDefaults,
): readonly number[] {
  const shape = modelShape(model);
  const needs = editors.flatMap((editor) => artefactNeeds(editor, resolveConfig(editor, shape, defaults, {}), shape));
  const layers = secondMomentLayers(needs);
  return [...new Set(layers)].sort((a, b) => a - b);
}

/** Builds second moments in the engine and describes them as lineage keeps them. */
export async function buildSecondMoments(
  run: JobRun,
  model: StoredModel,
  layers: readonly number[],
  { corpus, tokens, ridge }: SecondMomentSource,
): Promise<readonly NewArtefact[]> {
  const { artefacts } = await run.call(
    'buildSecondMoment',
    {
      model: modelReference(model),
      layers,
      ...(corpus === null ? {} : { corpus }),
      ...(tokens === null ? {} : { tokens }),
      ...(ridge === null ? {} : { ridge }),
    },
    kind,
  );
  return artefacts.map((built: BuiltArtefact) => ({
    kind,
    scope: built.scope,
    // By the text itself: a file of the same name may hold another one by now.
    parameters: { format: secondMomentFormat, corpus: built.details.corpus_sha256, tokens, ridge },
    parents: [],
    blob: built.blob,
    bytes: built.bytes,
    details: built.details,
  }));
}

/**
 * The second moments at `layers`: the newest stored one of each that was measured as they are today, and what is missing built from the
 * model's own corpus and stored.
 * @throws ErrataError `artefact_missing`, saying how to build it, when one is missing and the model came without a corpus
 */
export async function secondMomentsFor(
  run: JobRun,
  model: StoredModel,
  defaults: ModelDefaults,
  layers: readonly number[],
): Promise<readonly ArtefactUse[]> {
  const { lineage } = run.context;
  const parameters = { format: secondMomentFormat };
  const scopes = layers.map(layerScope);
  const stored = new Map<string, ArtefactResource>();
  for (const scope of scopes) {
    const found = await findArtefact(lineage, model.resource.id, { kind, scope, parameters });
    if (found !== null) stored.set(scope, found);
  }
  const missing = layers.filter((layer) => !stored.has(layerScope(layer)));
  if (missing.length > 0)
    for (const built of await buildMissing(run, model, defaults, missing)) stored.set(built.scope, built);
  return scopes.map((scope) => {
    const artefact = stored.get(scope);
    if (artefact === undefined) throw new ErrataError('internal', `no second moment was built for ${scope}`);
    return { kind, scope, parameters: {}, blob: artefact.blob };
  });
}

async function buildMissing(
  run: JobRun,
  model: StoredModel,
  defaults: ModelDefaults,
  layers: readonly number[],
): Promise<readonly ArtefactResource[]> {
  if (defaults.corpus === undefined) {
    const { name, id } = model.resource;
    const outdated =
      (await listArtefacts(run.context.lineage, id, { kind, scopes: layers.map(layerScope) }, { limit: 1 })).data
        .length > 0;
    const request = { model: name, kind, layers, corpus: '/path/to/text.txt' };
    throw new ErrataError(
      'artefact_missing',
      `the editor needs the second moment of the keys at layer ${layers.join(', ')} of ${name}, and the model came without a ` +
        `corpus to build it from${outdated ? ' (what is stored was measured by an earlier release, line by line)' : ''}. Build it from any text: errata artefact build ${name} --layers ${layers.join(',')} --corpus FILE ` +
        `(POST /v1/artefacts with ${JSON.stringify(request)}); or turn it off in the editor's settings`,
      { details: { kind, model: name, layers, request } },
    );
  }
  const artefacts = await buildSecondMoments(run, model, layers, { corpus: null, tokens: null, ridge: null });
  return recordArtefacts(run.context.lineage, run.lease, { jobId: run.job.id, artefacts });
}
