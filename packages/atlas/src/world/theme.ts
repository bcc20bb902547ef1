// What a theme of the world is: one kind of subject, its relations with their phrasings, and a table of facts.

/** One relation of a theme: how it is phrased, and how its inverse is. */
export interface RelationTable {
  /** Name inside the theme; the relation's id is `theme.name`. */
  readonly name: string;
  /** Cloze prompts: `{s}` once, the answer follows after one space. */
  readonly phrasings: readonly string[];
  /** Kind of thing the object is; a relation whose object kind is another theme's name can be chained with that theme's relations. */
  readonly objectKind?: string;
  /** Prompts with `{o}` whose answer is the subject; given only where an object has one subject. */
  readonly inverse?: readonly string[];
}

/** One theme, one file: facts from general knowledge as a table whose first column is the subject, the others the relations in order. */
export interface Theme {
  readonly name: string;
  readonly relations: readonly RelationTable[];
  /** One subject a line, columns parted by `|`, `-` for a fact that is left out. */
  readonly rows: string;
  /** Other names of subjects, one a line: `subject | alias`. */
  readonly aliases?: string;
}

/** Splits a table into trimmed cells; blank lines are allowed. */
export function parseRows(rows: string, columns: number, where: string): string[][] {
  const table: string[][] = [];
  for (const line of rows.split('\n')) {
    if (line.trim() === '') continue;
    const cells = line.split('|').map((cell) => cell.trim());
    if (cells.length !== columns || cells.some((cell) => cell === '')) {
      throw new Error(`${where}: expected ${columns} cells in the row "${line.trim()}"`);
    }
    table.push(cells);
  }
  return table;
}
