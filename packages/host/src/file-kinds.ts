// What a file is by how it begins, whatever it is called: what is often found in the place of data, weights or a tokenizer.
import { closeSync, openSync, readSync } from 'node:fs';

interface Signature {
  /** In words that follow "is". */
  readonly is: string;
  /** Bytes, one a character, and where they stand when not at the start; more than one where each will do. */
  readonly begins: readonly string[];
  readonly at?: number;
}

const signatures = {
  lfs_pointer: { is: 'a Git LFS pointer', begins: ['version https://git-lfs.github.com/spec/'] },
  zip: { is: 'a zip archive', begins: ['PK\x03\x04'] },
  gzip: { is: 'packed with gzip', begins: ['\x1f\x8b'] },
  zstd: { is: 'packed with zstd', begins: ['(\xb5/\xfd'] },
  bzip2: { is: 'packed with bzip2', begins: ['BZh'] },
  xz: { is: 'packed with xz', begins: ['\xfd7zXZ\0'] },
  '7z': { is: 'a 7z archive', begins: ["7z\xbc\xaf'\x1c"] },
  tar: { is: 'a tar archive', begins: ['ustar'], at: 257 },
  utf16: { is: 'not UTF-8 text but UTF-16', begins: ['\xff\xfe', '\xfe\xff'] },
  parquet: { is: 'a Parquet file', begins: ['PAR1'] },
  arrow: { is: 'an Arrow file', begins: ['ARROW1'] },
  sqlite: { is: 'an SQLite database', begins: ['SQLite format 3\0'] },
  gguf: { is: 'a model in GGUF', begins: ['GGUF'] },
  pickle: { is: 'a Python pickle', begins: ['\x80\x02', '\x80\x03', '\x80\x04', '\x80\x05'] },
  pdf: { is: 'a PDF', begins: ['%PDF-'] },
} as const satisfies Record<string, Signature>;

/** The kinds of files that are known. */
export type FileKind = keyof typeof signatures | 'safetensors' | 'web_page';

const webPage = /^\s*<(!doctype html|html|head)\b/i;

/** A size below 2^32 as eight bytes, and the header that it counts. Such a size can begin as other kinds do. */
const isSafetensors = (head: Uint8Array): boolean =>
  head[8] === 0x7b && head.subarray(4, 8).every((byte) => byte === 0);

/** Enough of a file to tell what it is. In bytes. */
export const headBytes = 512;

/** What a file is by its first {@link headBytes}; undefined for text and for what is not known. */
export function fileKind(head: Uint8Array): FileKind | undefined {
  if (isSafetensors(head)) return 'safetensors';
  const text = Buffer.from(head).toString('latin1');
  const found = (Object.entries(signatures) as [keyof typeof signatures, Signature][]).find(([, { begins, at = 0 }]) =>
    begins.some((bytes) => text.startsWith(bytes, at)),
  )?.[0];
  // What PyTorch saves is a zip archive around a pickle.
  if (found === 'zip' && text.includes('data.pkl')) return 'pickle';
  return found ?? (webPage.test(text) ? 'web_page' : undefined);
}

/** What a kind of file is, in words that follow "is". */
export function kindInWords(kind: FileKind): string {
  if (kind === 'safetensors') return 'a safetensors file';
  return kind === 'web_page' ? 'a web page' : signatures[kind].is;
}

/** The first {@link headBytes} of a file. @throws what the system says where it cannot be read */
export function readHead(path: string): Uint8Array {
  const head = new Uint8Array(headBytes);
  const descriptor = openSync(path, 'r');
  try {
    return head.subarray(0, readSync(descriptor, head));
  } finally {
    closeSync(descriptor);
  }
}
