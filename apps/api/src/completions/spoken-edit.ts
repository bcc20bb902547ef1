// Which edit spoke: what the engine says of a delta, as the edit that left it.
import type { DeltaReference, SpokenEdit } from '@errata/contracts';
import type { Completion } from '@errata/engine';
import { type Lineage, readChain, type Served } from '@errata/lineage';

/** The deltas of a version, and whose they are. */
export interface Attribution {
  /** The latest first. */
  readonly deltas: readonly DeltaReference[];
  /** What the answers to one prompt say of the edit that acted on it. */
  readonly spoken: (completions: readonly Completion[]) => SpokenEdit;
}

export async function attributionOf(lineage: Lineage, { version, tip }: Served): Promise<Attribution> {
  const links = (await readChain(lineage, tip)).toReversed();
  const editOf = new Map<string, string>();
  for (const { deltas, edit_ids } of links) {
    const [edit, ...others] = edit_ids;
    // A delta of several edits is nobody's.
    if (edit === undefined || others.length > 0) continue;
    for (const { blob } of deltas) if (!editOf.has(blob)) editOf.set(blob, edit);
  }
  return {
    deltas: links.flatMap(({ deltas }) => deltas.toReversed()),
    spoken: ([answer]) => {
      const { blob = null, score = null, threshold = null } = answer?.spoke ?? {};
      return { version, edit: blob === null ? null : (editOf.get(blob) ?? null), score, threshold };
    },
  };
}
