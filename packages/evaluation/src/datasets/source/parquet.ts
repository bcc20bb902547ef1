// The rows of a Parquet file as records: a group of rows at a time is in memory.
import {
  asyncBufferFromFile,
  type FileMetaData,
  parquetMetadataAsync,
  parquetReadObjects,
  parquetSchema,
  type SchemaTree,
} from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { unreadable } from './text.ts';

/** Rows of a Parquet file, columns by name. @throws ErrataError `unreadable_dataset` where it is damaged or cut off */
export async function* parquetRows(file: string): AsyncGenerator<unknown, void, undefined> {
  const buffer = await asyncBufferFromFile(file);
  const damaged = (error: unknown): never =>
    unreadable(file, `is Parquet that cannot be read: ${(error as Error).message}`);
  const metadata: FileMetaData = await parquetMetadataAsync(buffer).catch(damaged);
  const contradiction = contradictionIn(metadata);
  if (contradiction !== undefined) damaged(new Error(contradiction));
  let from = 0;
  for (const group of metadata.row_groups) {
    const to = from + Number(group.num_rows);
    const rows = await parquetReadObjects({ file: buffer, metadata, compressors, rowStart: from, rowEnd: to }).catch(
      damaged,
    );
    for (const row of rows) yield asJson(row);
    from = to;
  }
}

/** Rows of a group at most: all of them are in memory at once, and what a file says of their number is nowhere else to be seen. */
const mostRows = 4_000_000;

/** What the library would not notice before it had begun to read: it leaves those columns to themselves, and their failure ends the process. */
function contradictionIn({ schema, row_groups }: FileMetaData): string | undefined {
  try {
    const columns = leavesOf(parquetSchema({ schema } as FileMetaData));
    if (new Set(columns).size < columns.length) return 'two of its columns have one name';
    for (const { num_rows, columns: chunks } of row_groups) {
      if (num_rows < 0 || num_rows > mostRows) return `it says that ${num_rows} rows are one group`;
      const named = chunks.map(({ meta_data }) => meta_data?.path_in_schema.join('.') ?? '');
      if (new Set(named).size < named.length || named.some((name) => !columns.includes(name)))
        return 'the columns of a group are not those of its schema';
    }
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Of the columns that hold values: the names on the way to them, joined. */
const leavesOf = ({ children, path }: SchemaTree): readonly string[] =>
  children.length === 0 ? [path.join('.')] : children.flatMap(leavesOf);

/** A value as JSON has it: whole numbers are numbers, points in time texts. */
function asJson(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map(asJson);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, asJson(field)]));
}
