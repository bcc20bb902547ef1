// What to do about a file that is no data set, by what it is.
import { type FileKind, fileKind, kindInWords } from '@errata/host';

const unpack = ': unpack it, and name a file of it';
const noText = ', which is no list of records';

/** What follows the name of a kind; a kind that is read is left out. */
const advice: Partial<Readonly<Record<FileKind, string>>> = {
  lfs_pointer: ': it names the file that belongs here; run git lfs pull',
  zip: `, as a spreadsheet is too${unpack}, or save the sheet as CSV`,
  zstd: unpack,
  bzip2: unpack,
  xz: unpack,
  '7z': unpack,
  tar: unpack,
  utf16: ': save it as UTF-8',
  parquet: ' within another: unpack it',
  arrow: ': save it as Parquet or JSON',
  sqlite: ': save its table as CSV',
  gguf: noText,
  safetensors: noText,
  pickle: noText,
  pdf: noText,
  web_page: ': download the file itself (its raw form)',
};

/** What a file is by its first bytes, in words that go on from its name and "is"; undefined for what may be a list of records. */
export function otherThanRecords(head: Uint8Array): string | undefined {
  const kind = fileKind(head);
  const what = kind === undefined ? undefined : advice[kind];
  return what === undefined ? undefined : `${kindInWords(kind!)}${what}`;
}

export const isGzip = (head: Uint8Array): boolean => fileKind(head) === 'gzip';

export const isParquet = (head: Uint8Array): boolean => fileKind(head) === 'parquet';
