// Models of the hub: downloaded into the cache that huggingface_hub has too, and opened from there.

import { copyFile, mkdir, readdir, readFile, stat, statfs, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { getRepoFolderName } from '@huggingface/hub';
import { ModelError } from '../../errors.ts';
import { type HubName, writtenHubName } from '../reference.ts';
import type { OpenOptions } from '../source.ts';
import { type HubClient, type HubFile, hubClient } from './client.ts';
import { download } from './download.ts';
import { hubSettings } from './settings.ts';
import { wantedFiles } from './wanted.ts';

/** A model of the hub on this machine. */
export interface FetchedModel {
  /** Its directory, or its GGUF file. */
  readonly path: string;
  readonly commit: string;
}

/**
 * Brings a model of the hub onto this machine, as far as it is not there yet: the files that it is read from and its texts. The layout is
 * that of huggingface_hub: contents in `blobs`, named by their digests, and a folder of links to them for each commit.
 * @throws ModelError hub_*; what the signal gives as its reason
 */
export async function fetchFromHub(name: HubName, { onProgress, signal }: OpenOptions): Promise<FetchedModel> {
  const settings = hubSettings();
  const folder = join(settings.cache, getRepoFolderName({ type: 'model', name: name.repository }));
  if (settings.offline) return cached(name, folder);
  const client = hubClient(name, settings, signal);
  const { commit, files } = await client.list();
  const wanted = wantedFiles(writtenHubName(name), files, name.file);
  const total = wanted.files.reduce((sum, { size }) => sum + size, 0);
  let done = 0;
  const onBytes = (bytes: number): void => {
    done += bytes;
    onProgress?.({ stage: 'downloading (MB)', done: megabytes(done), total: megabytes(total) });
  };
  const snapshot = join(folder, 'snapshots', commit);
  try {
    await Promise.all([mkdir(snapshot, { recursive: true }), mkdir(join(folder, 'blobs'), { recursive: true })]);
    await requireSpace(folder, wanted.files);
    for (const file of wanted.files) {
      const blob = join(folder, 'blobs', file.sha256 ?? file.oid);
      await fetchBlob(blob, name, commit, file, client, onBytes, signal);
      await linkTo(blob, join(snapshot, file.name));
    }
    if (name.revision !== commit) {
      const ref = join(folder, 'refs', name.revision);
      await mkdir(dirname(ref), { recursive: true });
      await writeFile(ref, commit);
    }
  } catch (cause) {
    const { code = '', message } = cause as NodeJS.ErrnoException;
    if (cause instanceof ModelError || !/^E[A-Z]+$/.test(code)) throw cause;
    throw new ModelError(code === 'ENOSPC' ? 'hub_disk_full' : 'hub_cache_unusable', {
      where: folder,
      what: `models cannot be kept there (${message})`,
      hint: 'Set HF_HOME to a directory that may be written to, and has space',
      cause,
    });
  }
  return { path: wanted.gguf === undefined ? snapshot : join(snapshot, wanted.gguf), commit };
}

const megabytes = (bytes: number): number => Math.ceil(bytes / 1e6);

/** What would fill the disk is not begun. */
async function requireSpace(folder: string, files: readonly HubFile[]): Promise<void> {
  const there = await Promise.all(
    files.map(async ({ sha256, oid }) => {
      const blob = join(folder, 'blobs', sha256 ?? oid);
      const found = await stat(blob).catch(() => stat(`${blob}.incomplete`).catch(() => undefined));
      return found?.size ?? 0;
    }),
  );
  const missing = files.reduce((sum, { size }, i) => sum + Math.max(0, size - there[i]!), 0);
  const { bavail, bsize } = await statfs(folder);
  if (missing <= bavail * bsize) return;
  const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;
  throw new ModelError('hub_disk_full', {
    where: folder,
    what: `${gigabytes(missing)} are to be downloaded, and ${gigabytes(bavail * bsize)} are free there`,
    hint: 'Make space, or set HF_HOME to a directory that has it',
  });
}

/** A blob that is there already is whole: nothing is kept under its name before. Its size is looked at all the same. */
async function fetchBlob(
  blob: string,
  name: HubName,
  commit: string,
  file: HubFile,
  client: HubClient,
  onBytes: (bytes: number) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  const known = await stat(blob).catch(() => undefined);
  if (known?.size === file.size) return onBytes(file.size);
  await download(blob, {
    where: `${writtenHubName({ ...name, file: undefined })}: ${file.name}`,
    file,
    request: (from) => client.request(commit, file.name, from),
    onBytes,
    signal,
  });
}

/** Where links cannot be made, a copy. */
async function linkTo(blob: string, path: string): Promise<void> {
  if (
    await stat(path).then(
      () => true,
      () => false,
    )
  )
    return;
  await symlink(relative(dirname(path), blob), path).catch((error: NodeJS.ErrnoException) =>
    error.code === 'EEXIST' ? undefined : copyFile(blob, path),
  );
}

/** What the cache holds of a revision. Whether it is all of it shows when it is opened. */
async function cached(name: HubName, folder: string): Promise<FetchedModel> {
  const said = await readFile(join(folder, 'refs', name.revision), 'utf8').catch(() => name.revision);
  const commit = said.trim();
  const snapshot = join(folder, 'snapshots', commit);
  const path = name.file === undefined ? snapshot : join(snapshot, name.file);
  const there =
    /^[0-9a-f]{40}$/.test(commit) &&
    (await stat(path).then(
      () => true,
      () => false,
    ));
  if (there) return { path: name.file === undefined ? await modelIn(snapshot) : path, commit };
  throw new ModelError('hub_offline', {
    where: writtenHubName(name),
    what: `HF_HUB_OFFLINE is set, and ${folder} does not hold it`,
    hint: 'Unset HF_HUB_OFFLINE to download it',
  });
}

/** The directory, or the GGUF file that is all the model that it holds. */
async function modelIn(snapshot: string): Promise<string> {
  const names = await readdir(snapshot);
  const ggufs = names.filter((name) => /\.gguf$/i.test(name));
  const only = ggufs.length === 1 && !names.some((name) => name.endsWith('.safetensors'));
  return only ? join(snapshot, ggufs[0]!) : snapshot;
}
