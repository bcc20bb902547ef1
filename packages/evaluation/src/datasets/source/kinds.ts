// What a file is that is no data set, by how it begins, and what to do about it.

interface FileKind {
  /** Bytes, one a character. */
  readonly begins: string;
  /** Where they stand. */
  readonly at?: number;
  readonly is: string;
}

const unpack = 'unpack it, and name a file of it';
const noText = 'which is no list of records';

const kinds: readonly FileKind[] = [
  {
    begins: 'version https://git-lfs.github.com/spec/',
    is: 'a Git LFS pointer: it names the file that belongs here; run git lfs pull',
  },
  { begins: 'PK\x03\x04', is: `a zip archive, as a spreadsheet is too: ${unpack}, or save the sheet as CSV` },
  { begins: '(\xb5/\xfd', is: `packed with zstd: ${unpack}` },
  { begins: 'BZh', is: `packed with bzip2: ${unpack}` },
  { begins: '\xfd7zXZ\0', is: `packed with xz: ${unpack}` },
  { begins: "7z\xbc\xaf'\x1c", is: `a 7z archive: ${unpack}` },
  { begins: 'ustar', at: 257, is: `a tar archive: ${unpack}` },
  { begins: '\xff\xfe', is: 'not UTF-8 text but UTF-16: save it as UTF-8' },
  { begins: '\xfe\xff', is: 'not UTF-8 text but UTF-16: save it as UTF-8' },
  { begins: 'PAR1', is: 'a Parquet file within another: unpack it' },
  { begins: 'ARROW1', is: 'an Arrow file: save it as Parquet or JSON' },
  { begins: 'SQLite format 3\0', is: 'an SQLite database: save its table as CSV' },
  { begins: 'GGUF', is: `a model in GGUF, ${noText}` },
  { begins: '\x80\x02', is: `a Python pickle, ${noText}` },
  { begins: '\x80\x04', is: `a Python pickle, ${noText}` },
  { begins: '%PDF-', is: `a PDF, ${noText}` },
];

const webPage = /^\s*<(!doctype html|html|head)\b/i;

/** What a file is by its first bytes, in words that go on from its name and "is"; undefined for what may be a list of records. */
export function otherThanRecords(head: Uint8Array): string | undefined {
  const text = Buffer.from(head).toString('latin1');
  const kind = kinds.find(({ begins, at = 0 }) => text.startsWith(begins, at));
  if (kind !== undefined) return kind.is;
  return webPage.test(text) ? 'a web page: download the file itself (its raw form)' : undefined;
}

export const isGzip = (head: Uint8Array): boolean => head[0] === 0x1f && head[1] === 0x8b;

export const isParquet = (head: Uint8Array): boolean => Buffer.from(head.subarray(0, 4)).toString('latin1') === 'PAR1';
