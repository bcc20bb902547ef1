// Applies edits to a stored version: an editor's deltas become blobs, its outcomes plain data.
import type { LocalBlobStore } from '@errata/blobs';
import { ErrataError, requireEditor, resolveConfig } from '@errata/contracts';
import { type ArtefactStore, edit, openArtefacts, secondMomentKey } from '@errata/editors';
import { relativeNorm } from '@errata/evaluation';
import { encodeDelta } from '@errata/models';
import type { CallContext } from './context.ts';
import type { OpenModel } from './model-store.ts';
import type { ArtefactReference, BuiltDelta, EditFailure, ParamsOf, ResultOf } from './protocol.ts';

export interface Stores {
  readonly blobs: LocalBlobStore;
  /** Where context prefixes are kept from one process to the next. */
  readonly scratch: ArtefactStore;
}

export async function applyEdits(
  open: OpenModel,
  params: Omit<ParamsOf<'applyEdits'>, 'model'>,
  stores: Stores,
  { onProgress, signal }: CallContext,
): Promise<ResultOf<'applyEdits'>> {
  const { parent, edits, seed, on_error } = params;
  const editor = requireEditor(params.editor);
  const config = resolveConfig(editor, open.shape, open.defaults, params.config);
  const view = await open.view(parent);
  const started = performance.now();
  const { deltas, outcomes } = await edit(
    editor,
    {
      model: open.model,
      view,
      edits,
      config,
      artefacts: openArtefacts(artefactStore(params.artefacts, open.digest, stores), open.digest),
      seed,
    },
    {
      onProgress: ({ phase, done, edits: total }) => onProgress({ stage: phase, done, total }),
      signal,
      onError: on_error === 'continue' ? 'continue' : 'stop',
    },
  );
  const seconds = (performance.now() - started) / 1000;
  const positions = new Map(edits.map(({ custom_id }, position) => [custom_id, position]));
  const built: BuiltDelta[] = [];
  for (const { delta, custom_ids } of deltas) {
    const { sha256: blob, size: bytes } = await stores.blobs.put(encodeDelta(delta));
    const norm = relativeNorm(view, delta);
    built.push({ kind: delta.kind, blob, bytes, positions: custom_ids.map((id) => positions.get(id)!), norm });
  }
  const failures: EditFailure[] = outcomes.flatMap((outcome, position) =>
    outcome.outcome === 'failed' ? [{ position, error: { ...outcome.error, errors: [], details: {} } }] : [],
  );
  const diagnostics = outcomes.map((outcome) => (outcome.outcome === 'applied' ? { ...outcome.diagnostics } : {}));
  return { deltas: built, diagnostics, failures, config, seconds };
}

/** Second moments come from the blobs that the call names; everything else from scratch. */
export function artefactStore(references: readonly ArtefactReference[], model: string, stores: Stores): ArtefactStore {
  const moments = new Map(references.map(({ layer, blob }) => [secondMomentKey(model, layer), blob]));
  return {
    async get(key) {
      const blob = moments.get(key);
      return blob === undefined ? stores.scratch.get(key) : stores.blobs.get(blob);
    },
    async put(key, bytes) {
      if (moments.has(key)) throw new ErrataError('internal', `${key} was given to be read, not written`);
      await stores.scratch.put(key, bytes);
    },
  };
}
