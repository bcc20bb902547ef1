// A data set file as cases or items, one record at a time, and every record that cannot be used by name.
import { ErrataError } from '@errata/contracts';
import { layouts, requireLayout } from './catalogue.ts';
import { type DatasetContent, type Layout, objectOf } from './layout.ts';
import { type FieldNote, type Notes, Unusable } from './rules.ts';
import { howWritten, type KnownForms, type RawRecord, rawRecords, type Written } from './source/records.ts';
import { unreadable } from './source/text.ts';

/** What became of a record; `record` counts from 0. */
export type DatasetRecord =
  | ({ readonly record: number; readonly used: true } & DatasetContent & Readonly<Notes>)
  /** The first rule that the record breaks. */
  | ({ readonly record: number; readonly used: false } & FieldNote);

/** A file of which it is known how to read it. */
export interface OpenDataset {
  readonly file: string;
  readonly layout: Layout;
  readonly written: Written;
}

/** Records looked at to recognise a layout: a few bad ones must not hide it. */
const looked = 50;

const known: KnownForms = {
  documents: layouts.flatMap(({ document }) => (document ? [document] : [])),
  isHeader: (row) => layouts.some((layout) => layout.isHeader?.(row)),
};

/** How a file is written. Errors as {@link openDataset}. */
export const openFile = (file: string): Promise<Written> => howWritten(file, known);

/**
 * Finds out how a file is to be read. `layout` is a name, or `auto` to recognise it.
 * @throws ErrataError `unknown_layout` for a name that does not exist, or where no layout fits; `not_found`,
 * `unreadable_dataset` where the file cannot be read, or is written in a way that the layout is not
 */
export async function openDataset(file: string, layout = 'auto'): Promise<OpenDataset> {
  if (layout === 'auto') return detectLayout(file);
  const named = requireLayout(layout);
  const written = await openFile(file);
  const kind = written.format === 'csv' ? 'row' : 'value';
  if (!named.formats.includes(kind)) {
    unreadable(file, `is not ${kind === 'row' ? 'JSON' : 'CSV'}, in which ${named.name} is written`, {
      layout: named.name,
    });
  }
  return { file, layout: named, written };
}

/** The layout that most of the first records look like. Errors as {@link openDataset}. */
export async function detectLayout(file: string): Promise<OpenDataset> {
  const written = await openFile(file);
  const seen: RawRecord[] = [];
  for await (const raw of rawRecords(file, written, known.isHeader)) {
    if (seen.push(raw) === looked) break;
  }
  if (seen.length === 0) unreadable(file, 'holds no records');
  const fitting = layouts.map((layout) => ({ layout, records: seen.filter(layout.fits) }));
  const most = Math.max(...fitting.map(({ records }) => records.length));
  const best = most === 0 ? undefined : fitting.find(({ records }) => records.length === most)!;
  const others = fitting.filter(
    (each) =>
      each !== best && (each.records.length === most || each.records.some((record) => best?.records.includes(record))),
  );
  if (best !== undefined && others.length > 0) {
    const names = [best, ...others].map(({ layout }) => layout.name);
    throw new ErrataError('unknown_layout', `${file} may be ${names.join(' or ')}: say which`, {
      details: { file, layouts: names },
    });
  }
  if (best !== undefined) return { file, layout: best.layout, written };
  const fields = Object.keys(seen.map(objectOf).find((record) => record !== undefined) ?? {}).slice(0, 20);
  throw new ErrataError(
    'unknown_layout',
    `no layout fits ${file}${fields.length > 0 ? `, whose records have ${fields.join(', ')}` : ''}: name one of ${layouts
      .map(({ name }) => name)
      .join(', ')}`,
    { details: { file, fields } },
  );
}

/**
 * Every record of a file, in order: read as they are asked for, so that files of any size fit in memory.
 * @throws ErrataError as {@link openDataset}, and `unreadable_dataset` where the file breaks off, after the records before
 */
export async function* readDataset(
  opened: OpenDataset | string,
  layoutName?: string,
): AsyncGenerator<DatasetRecord, void, undefined> {
  const { file, layout, written } = typeof opened === 'string' ? await openDataset(opened, layoutName) : opened;
  const ids = new Set<string>();
  let records = 0;
  for await (const raw of rawRecords(file, written, layout.isHeader ?? (() => false))) {
    const { record } = raw;
    const parts = raw.kind === 'value' && layout.parts ? layout.parts(raw.value) : undefined;
    for (const part of parts?.map((value): RawRecord => ({ record, kind: 'value', value })) ?? [raw]) {
      records++;
      const notes: Notes = { repaired: [], dropped: [] };
      try {
        const read = layout.read(part, { layout: layout.name, record, file }, notes);
        yield { record, used: true, ...withOwnId(read, record, layout, ids, notes), ...notes };
      } catch (error) {
        if (!(error instanceof Unusable)) throw error;
        yield { record, used: false, ...error.note };
      }
    }
  }
  if (records === 0) unreadable(file, 'holds no records');
}

/** Ids are unique in a file. What the user named twice is an error of theirs; what a data set numbers twice is told apart. */
function withOwnId(
  content: DatasetContent,
  record: number,
  layout: Layout,
  ids: Set<string>,
  notes: Notes,
): DatasetContent {
  const id = 'case' in content ? content.case.id : content.item.id;
  if (!ids.has(id)) {
    ids.add(id);
    return content;
  }
  if (layout.givenIds) throw new Unusable('case' in content ? 'custom_id' : 'id', 'duplicate_custom_id');
  notes.repaired.push({ field: 'id', rule: 'duplicate_custom_id' });
  const own = `${id}#${record}`;
  ids.add(own);
  if ('item' in content) return { item: { ...content.item, id: own } };
  const edits = content.case.edits.map((edit) => ({ ...edit, custom_id: edit.custom_id.replace(id, () => own) }));
  return { case: { ...content.case, id: own, edits } };
}
