// The rows of a Parquet file as records: a group of rows at a time is in memory.
import { asyncBufferFromFile, type FileMetaData, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { unreadable } from './text.ts';

/** Rows of a Parquet file, columns by name. @throws ErrataError `unreadable_dataset` where it is damaged or cut off */
export async function* parquetRows(file: string): AsyncGenerator<unknown, void, undefined> {
  const buffer = await asyncBufferFromFile(file);
  const damaged = (error: unknown): never =>
    unreadable(file, `is Parquet that cannot be read: ${(error as Error).message}`);
  const metadata: FileMetaData = await parquetMetadataAsync(buffer).catch(damaged);
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

/** A value as JSON has it: whole numbers are numbers, points in time texts. */
function asJson(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map(asJson);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, asJson(field)]));
}
