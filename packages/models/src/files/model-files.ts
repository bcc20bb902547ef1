// Finding the files of a model directory: nothing that leads out of it, is no regular file, or is another thing than its name says.

import { existsSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, extname, join, sep } from 'node:path';
import { type FileKind, fileKind, kindInWords, otherThanFile, readHead } from '@errata/host';
import { ModelError, type ModelErrorCode } from '../errors.ts';

/** Gives the path of a file of a directory; undefined where there is none. */
export type FindFile = (name: string) => string | undefined;

/** @throws always: ModelError */
export function fail(code: ModelErrorCode, where: string, what: string, hint: string, cause?: unknown): never {
  throw new ModelError(code, { where, what, hint, cause });
}

const archive = { code: 'checkpoint_archive', hint: 'Unpack it, and give the folder that holds config.json' } as const;
const foreign = { code: 'checkpoint_foreign_file', hint: 'Put the file there that its name stands for' } as const;

/** What is said of a file that is another thing than a file of a checkpoint. */
const refusals: Readonly<Record<FileKind, { readonly code: ModelErrorCode; readonly hint: string } | undefined>> = {
  lfs_pointer: {
    code: 'checkpoint_lfs_pointer',
    hint: 'It only names the file that belongs here: run git lfs pull where it was cloned, or download the file itself',
  },
  web_page: { code: 'checkpoint_web_page', hint: 'Download the file itself, in its raw form' },
  gguf: { code: 'checkpoint_gguf', hint: 'Give the file itself instead of its folder, as FILE.gguf' },
  pickle: {
    code: 'checkpoint_weights_pickled',
    hint: 'Loading one can run code, so it is not read; convert it once with transformers: model.save_pretrained(dir, safe_serialization=True)',
  },
  zip: archive,
  gzip: archive,
  zstd: archive,
  bzip2: archive,
  xz: archive,
  '7z': archive,
  tar: archive,
  utf16: foreign,
  parquet: foreign,
  arrow: foreign,
  sqlite: foreign,
  pdf: foreign,
  safetensors: undefined,
};

/**
 * Refuses a file that begins as another thing than what a checkpoint is made of.
 * @throws ModelError checkpoint_lfs_pointer, checkpoint_web_page, checkpoint_gguf, checkpoint_archive, checkpoint_weights_pickled,
 * checkpoint_foreign_file
 */
export function refuseOtherKinds(path: string): void {
  const kind = fileKind(readHead(path));
  if (kind === undefined) return;
  const refusal = refusals[kind] ?? (extname(path) === '.safetensors' ? undefined : foreign);
  if (refusal) fail(refusal.code, path, `it is ${kindInWords(kind)}`, refusal.hint);
}

/**
 * Makes the function that finds a file of the directory, refusing what is no regular file, links that lead out of it, and what is known to be
 * another thing. A snapshot of the Hugging Face cache is a folder of links into its sibling `blobs`, so those are allowed.
 */
export function makeFinder(directory: string): FindFile {
  const root = realpathSync(directory);
  const allowed = [root];
  if (basename(dirname(root)) === 'snapshots') allowed.push(join(dirname(dirname(root)), 'blobs'));
  const found = new Map<string, string>();
  return (name) => {
    const known = found.get(name);
    if (known !== undefined) return known;
    const path = join(root, name);
    if (!existsSync(path)) return undefined;
    const real = realpathSync(path);
    if (!allowed.some((folder) => real.startsWith(folder + sep))) {
      fail(
        'checkpoint_link_escapes',
        path,
        'the file is a link that leads out of the model directory',
        'Copy the file into the directory',
      );
    }
    const other = otherThanFile(statSync(real));
    if (other !== undefined) fail('checkpoint_not_a_file', path, `it ${other}`, 'Put the file itself there');
    refuseOtherKinds(path);
    found.set(name, path);
    return path;
  };
}
