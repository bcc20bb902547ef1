// Applies edits to a stored version: an editor's deltas become blobs, its outcomes plain data.
import type { LocalBlobStore } from '@errata/blobs';
import { type Complaint, type Edit, ErrataError } from '@errata/contracts';
import { makeEdits } from '@errata/editors';
import { requireEditor, resolveConfig } from '@errata/editors/catalogue';
import { relativeNorm } from '@errata/evaluation';
import { storedArtefacts } from '../artefacts/build-artefacts.ts';
import type { BuiltDelta, ParamsOf, ResultOf } from '../calls/index.ts';
import type { CallContext } from '../context.ts';
import type { OpenModel } from '../models/model-store.ts';
import { layOutEdits, located } from './lay-out-edits.ts';

export async function applyEdits(
  open: OpenModel,
  params: Omit<ParamsOf<'applyEdits'>, 'model'>,
  blobs: LocalBlobStore,
  { onProgress, signal }: CallContext,
): Promise<ResultOf<'applyEdits'>> {
  const { parent, seed, on_error } = params;
  const editor = requireEditor(params.editor);
  const config = resolveConfig(editor, open.shape, open.defaults, params.config);
  // An edit that could not be measured is not made: no gate would see what it did.
  const unreadable = obstacles(open, params.edits);
  if (on_error === 'abort' && unreadable.size > 0) throw refusal([...unreadable.values()]);
  const view = await open.view(parent);
  const { deltas, outcomes, seconds } = await makeEdits(
    {
      editor,
      model: open.model,
      view,
      edits: params.edits,
      config,
      artefacts: storedArtefacts(open.digest, params.artefacts, blobs),
      seed,
      refused: new Map([...unreadable].map(([position, complaint]) => [position, inWords(complaint)])),
    },
    {
      onProgress: ({ phase, done, edits: total }) => onProgress({ stage: phase, done, total }),
      signal,
      onError: on_error === 'continue' ? 'continue' : 'stop',
    },
  );
  const built: BuiltDelta[] = [];
  for (const { delta, bytes, positions } of deltas) {
    const { sha256: blob, size } = await blobs.put(bytes);
    built.push({ kind: delta.kind, blob, bytes: size, positions, norm: relativeNorm(view, delta) });
  }
  return { deltas: built, outcomes, config, seconds };
}

const inWords = ({ code, custom_id, field, message }: Complaint) => ({
  code,
  message: `${custom_id}, ${field}: ${message}`,
});

/** What keeps edits from being read by the model, by their position: the first thing of each. */
function obstacles(open: OpenModel, edits: readonly Edit[]): ReadonlyMap<number, Complaint> {
  const texts = { tokenizer: open.tokenizer(), context: open.model.spec.context };
  const found = new Map<number, Complaint>();
  for (const complaint of layOutEdits(texts, edits, Infinity).complaints)
    if (!found.has(complaint.position)) found.set(complaint.position, located(edits, complaint));
  return found;
}

function refusal(complaints: readonly Complaint[]): ErrataError {
  const [{ code, custom_id, field, message }] = complaints as [Complaint];
  const more = complaints.length === 1 ? '' : `, and ${complaints.length - 1} more`;
  return new ErrataError(code, `${custom_id}, ${field}: ${message}${more}`, { errors: complaints });
}
