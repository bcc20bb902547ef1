// Making the edits of some cases on a version: one that cannot be made fails alone.
import type { Edit } from '@errata/contracts';
import { edit as applyEditor } from '@errata/editors';
import { encodeDelta, type View } from '@errata/models';
import type { DatasetCase } from '../datasets/cases.ts';
import type { PreparedEditor } from './inputs.ts';
import { editsOf, type Failure, type Meter, type Work } from './work.ts';

export interface Applied {
  readonly view: View;
  /** Edits that could not be made, with the reason. */
  readonly failures: ReadonlyMap<Edit, Failure>;
}

export async function applyEdits(
  { input, unreadable, signal }: Work,
  { name, config, artefacts }: PreparedEditor,
  view: View,
  cases: readonly DatasetCase[],
  meter: Meter,
): Promise<Applied> {
  const edits = editsOf(cases).filter((edit) => !unreadable.has(edit));
  if (edits.length === 0) return { view, failures: new Map() };
  meter.note({ edits: edits.length });
  const { deltas, outcomes } = await meter.time('edit_seconds', () =>
    applyEditor(
      name,
      { model: input.model, view, edits, config, artefacts, seed: input.seed },
      { onError: 'continue', ...(signal && { signal }) },
    ),
  );
  meter.note({ stored_bytes: deltas.reduce((sum, { delta }) => sum + encodeDelta(delta).byteLength, 0) });
  const failures = new Map<Edit, Failure>();
  for (const [position, outcome] of outcomes.entries())
    if (outcome.outcome === 'failed') failures.set(edits[position]!, outcome.error);
  return { view: view.with(deltas.map(({ delta }) => delta)), failures };
}
