// Artefacts as files in a folder: what can be made again but is dear enough to keep.
import { randomUUID } from 'node:crypto';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ArtefactStore } from '@errata/editors';
import { readWhole } from '@errata/host';

/** A store in a folder, which need not exist. A key's parts become folders; writing replaces the whole file or nothing. */
export function fileArtefactStore(folder: string): ArtefactStore {
  const fileOf = (key: string): string => {
    const parts = key.split('/');
    if (parts.some((part) => part === '' || part.startsWith('.'))) throw new TypeError(`not a key: ${key}`);
    return join(folder, ...parts);
  };
  return {
    async get(key) {
      try {
        return await readWhole(fileOf(key));
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
        throw error;
      }
    },
    async put(key, bytes) {
      const file = fileOf(key);
      const draft = `${file}.${randomUUID()}`;
      await mkdir(dirname(file), { recursive: true });
      try {
        await writeFile(draft, bytes, { flush: true });
        await rename(draft, file);
      } catch (error) {
        await rm(draft, { force: true });
        throw error;
      }
    },
    delete: (key) => rm(fileOf(key), { force: true }),
  };
}
