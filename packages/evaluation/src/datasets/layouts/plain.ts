// Our own layouts: edits as JSON, as submitted to the service, and as a table with a row an edit.
import { localityKinds, type Probe, portabilityKinds, withoutNulls } from '@errata/contracts';
import { checkEdit } from '../draft.ts';
import { has, type Layout, objectOf } from '../layout.ts';
import { Unusable } from '../rules.ts';

const source = 'Errata; see the command’s page for the fields of an edit';

/** By which records of others are told that have all that an edit needs. */
const othersFields = [
  ...(['requested_rewrite', 'ground_truth', 'rephrase_prompt', 'locality_prompt', 'portability', 'locality'] as const),
  ...(['locality_inputs', 'portability_inputs', 'target_old'] as const),
];

export const jsonl: Layout = {
  name: 'jsonl',
  title: 'Edits as they are submitted: JSON lines, or a JSON array',
  source,
  kind: 'edits',
  alsoCalled: ['edits', 'plain'],
  formats: ['value'],
  givenIds: true,
  fits: (raw) => {
    const record = objectOf(raw);
    if (!has(record, 'prompt', 'target_new') || typeof record!.target_new === 'object') return false;
    return has(record, 'custom_id') || !othersFields.some((field) => has(record, field));
  },
  read: (raw, place) => {
    const record = objectOf(raw);
    if (record === undefined) throw new Unusable('', raw.kind === 'malformed' ? raw.rule : 'not_an_object');
    const edit = checkEdit(withoutNulls({ ...record, custom_id: record.custom_id ?? String(place.record + 1) }));
    return { case: { id: edit.custom_id, edits: [edit] } };
  },
};

const singleColumns = ['custom_id', 'prompt', 'subject', 'target_new', 'target_true', 'relation'] as const;
/** May stand several times, one value each. */
const listColumns = { rephrase: 'rephrases', rephrases: 'rephrases', alias: 'aliases', aliases: 'aliases' } as const;
const groups = [
  ...localityKinds.map((kind) => ({ group: 'locality', kind }) as const),
  ...portabilityKinds.map((kind) => ({ group: 'portability', kind }) as const),
];

const isList = (column: string): column is keyof typeof listColumns => Object.hasOwn(listColumns, column);

export const csv: Layout = {
  name: 'csv',
  title: 'Edits as a table: a row an edit, columns by the names of its fields',
  source,
  kind: 'edits',
  formats: ['row'],
  givenIds: true,
  isHeader: (row) => ['prompt', 'target_new'].every((name) => row.some((cell) => cell.trim() === name)),
  fits: (raw) => raw.kind === 'row' && raw.columns !== undefined && csv.isHeader!(raw.columns),
  read: (raw, place) => {
    if (raw.kind !== 'row') throw new Unusable('', 'not_an_object');
    const { columns, cells } = raw;
    if (columns === undefined || cells.length !== columns.length) throw new Unusable('', 'wrong_columns');
    const edit = checkEdit(fieldsOf(columns, cells, `${place.layout}-${place.record}`));
    return { case: { id: edit.custom_id, edits: [edit] } };
  },
};

/**
 * A row as an edit. Blank cells are absent fields. `locality.neighbourhood.prompt` and `.target` are a probe when they
 * follow each other; any column of theirs may stand several times. `metadata.NAME` is metadata.
 */
function fieldsOf(columns: readonly string[], cells: readonly string[], ownId: string): Record<string, unknown> {
  const edit: Record<string, unknown> = { custom_id: ownId };
  const put = (field: string, key: string, value: unknown) => {
    edit[field] = { ...(edit[field] as Record<string, unknown> | undefined), [key]: value };
  };
  for (const [index, column] of columns.entries()) {
    const cell = cells[index]!.trim();
    const single = singleColumns.find((name) => name === column);
    const [, group, kind, part] = /^(locality|portability)\.([a-z_]+)\.(prompt|target)$/.exec(column) ?? [];
    const known = groups.find((each) => each.group === group && each.kind === kind);
    if (single === undefined && !isList(column) && !known && !column.startsWith('metadata.')) {
      throw new Unusable(column, 'unknown_field');
    }
    if (cell === '') continue;
    if (single) edit[single] = cell;
    else if (isList(column)) {
      const field = listColumns[column];
      edit[field] = [...((edit[field] as string[] | undefined) ?? []), cell];
    } else if (known) {
      const probes = ((edit[known.group] as Record<string, Probe[]> | undefined)?.[known.kind] ?? []) as Probe[];
      if (part === 'prompt') put(known.group, known.kind, [...probes, { prompt: cell }]);
      else {
        const open = probes.at(-1);
        if (
          columns[index - 1] !== column.replace(/target$/, 'prompt') ||
          open === undefined ||
          cells[index - 1]!.trim() === ''
        ) {
          throw new Unusable(column, 'missing');
        }
        put(known.group, known.kind, [...probes.slice(0, -1), { ...open, target: cell }]);
      }
    } else put('metadata', column.slice('metadata.'.length), cell);
  }
  return edit;
}
