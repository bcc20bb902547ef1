// Rows of which a memory has one a prompt, in the order of their prompts: in which order rows of several prompts came leaves no trace.

interface PromptedRow {
  readonly prompt: string;
}

/** Where the row of a prompt is, or would be, among rows in order, from a place on. */
function placeOf(rows: readonly PromptedRow[], prompt: string, from = 0): number {
  let [low, high] = [from, rows.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (rows[middle]!.prompt < prompt) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The row of a prompt among rows in order. */
export function rowOfPrompt<Row extends PromptedRow>(rows: readonly Row[], prompt: string): Row | undefined {
  const row = rows[placeOf(rows, prompt)];
  return row?.prompt === prompt ? row : undefined;
}

/** Rows in order with further ones, no two of one prompt, each in the place of the row of its prompt, if there is one. */
export function mergedRows<Row extends PromptedRow>(before: readonly Row[], further: readonly Row[]) {
  const rows: Row[] = [];
  const replaced: Row[] = [];
  let taken = 0;
  const take = (end: number) => {
    for (; taken < end; taken++) rows.push(before[taken]!);
  };
  for (const row of further.toSorted((a, b) => (a.prompt < b.prompt ? -1 : 1))) {
    take(placeOf(before, row.prompt, taken));
    rows.push(row);
    if (before[taken]?.prompt === row.prompt) replaced.push(before[taken++]!);
  }
  take(before.length);
  return { rows: rows as readonly Row[], replaced: replaced as readonly Row[] };
}
