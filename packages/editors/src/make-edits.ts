// Making edits upon a version: the one way that jobs, trials, protocols and commands without a service take.
import { type Delta, encodeDelta, type View } from '@errata/models';
import type { EditorName } from './catalogue.ts';
import { edit } from './edit.ts';
import type { EditOutcome, EditorInput, EditorOptions } from './editor.ts';

/** An editor with what it needs, a version, and edits: their ids are their own. */
export interface Making extends EditorInput {
  readonly editor: EditorName;
  /** What keeps edits from being made, by their position: the editor is not given them. */
  readonly refused?: ReadonlyMap<number, Extract<EditOutcome, { outcome: 'failed' }>['error']>;
}

/** A delta that edits left. */
export interface MadeDelta {
  readonly delta: Delta;
  /** As it is stored. */
  readonly bytes: Uint8Array;
  /** Positions of the edits that it carries. */
  readonly positions: readonly number[];
}

export interface MadeEdits {
  /** In installing order. */
  readonly deltas: readonly MadeDelta[];
  /** What became of each edit, in their order. */
  readonly outcomes: readonly EditOutcome[];
  /** The version with what the edits left on top. */
  readonly candidate: () => View;
  /** That the editor took. */
  readonly seconds: number;
}

/**
 * Makes edits upon a version.
 * @throws ErrataError as an editor does: of one edit where `onError` is `stop`, and of nothing but one edit where it is `continue`
 */
export async function makeEdits(
  { editor, refused = new Map(), ...input }: Making,
  options: EditorOptions = {},
): Promise<MadeEdits> {
  const { edits, view } = input;
  const given = edits.filter((_, position) => !refused.has(position));
  const started = performance.now();
  const solved =
    given.length === 0 ? { deltas: [], outcomes: [] } : await edit(editor, { ...input, edits: given }, options);
  const seconds = (performance.now() - started) / 1000;
  const positions = new Map(edits.map(({ custom_id }, position) => [custom_id, position]));
  const made = solved.outcomes.values();
  return {
    deltas: solved.deltas.map(({ delta, custom_ids }) => ({
      delta,
      bytes: encodeDelta(delta),
      positions: custom_ids.map((id) => positions.get(id)!),
    })),
    outcomes: edits.map(({ custom_id }, position): EditOutcome => {
      const error = refused.get(position);
      return error === undefined ? made.next().value! : { custom_id, outcome: 'failed', error };
    }),
    candidate: () => view.with(solved.deltas.map(({ delta }) => delta)),
    seconds,
  };
}

/** What was measured of an edit, with what became of it: one that could not be made has failed, whatever was measured. */
export const withOutcome = <Measured extends object>(measured: Measured, made: EditOutcome | undefined) =>
  made?.outcome === 'failed' ? { ...measured, outcome: 'failed' as const, error: made.error } : measured;
