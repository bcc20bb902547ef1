// Where versions stand in the drawing of a history: a row each, newest first, and a lane that a line of descent keeps.

export interface Drawn {
  readonly id: string;
  readonly lane: number;
  /** Lines that pass this row, or begin or end in it: the lane above and the lane below, of those that go on to a parent further down. */
  readonly lines: readonly { readonly from: number; readonly to: number }[];
  /** Whether a line comes to it from above: a version made from it is in the list. */
  readonly hasChildren: boolean;
  readonly goesOn: boolean;
}

/**
 * Lays versions out. A child stands before its parent; the first child of a version hands it its lane, and those of the others end there.
 * @param versions newest first
 */
export function layOutLanes(
  versions: readonly { readonly id: string; readonly parent_id: string | null }[],
): readonly Drawn[] {
  /** By lane, the version that its line leads down to. */
  const leading: (string | undefined)[] = [];
  const freeLane = () => {
    const free = leading.indexOf(undefined);
    return free === -1 ? leading.length : free;
  };
  return versions.map(({ id, parent_id }) => {
    const before = [...leading];
    const found = before.indexOf(id);
    const lane = found === -1 ? freeLane() : found;
    // All lines to this version end in it; one goes on to its parent.
    for (const [other, to] of leading.entries()) if (to === id) leading[other] = undefined;
    if (parent_id !== null) leading[lane] = parent_id;
    const lines = before.flatMap((to, from) => {
      if (to === undefined) return [];
      return [{ from, to: to === id ? lane : from }];
    });
    return { id, lane, lines, hasChildren: found !== -1, goesOn: parent_id !== null };
  });
}
