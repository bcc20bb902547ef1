// Artefacts for commands that need no service, kept in the user's cache folder.

import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { ArtefactNeed } from '@errata/contracts';
import type { Artefacts } from '@errata/editors';
import { describeArtefact } from '@errata/editors/catalogue';
import { fileArtefactStore, readDefaults } from '@errata/engine';
import { bar, type ProgressLine } from '../output/output.ts';
import type { LocalModel } from './model.ts';

/** ERRATA_CACHE_DIR, else the place that the desktop conventions name. */
const cacheFolder = (env: NodeJS.ProcessEnv = process.env): string =>
  env.ERRATA_CACHE_DIR || join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'errata');

export interface ArtefactSource {
  /** A text file; undefined where neither the command nor the model names one. */
  readonly corpus: string | undefined;
  /** What else the command says of how they are to be built. */
  readonly request: Readonly<Record<string, unknown>>;
}

/**
 * What an editor needs beforehand, from the cache, or built where it lacks it.
 * @throws ErrataError what building throws: `corpus_missing`, `singular_statistics`
 */
export async function cachedArtefacts(
  { model, checkpoint: { digest, directory } }: LocalModel,
  needs: readonly ArtefactNeed[],
  { corpus, request }: ArtefactSource,
  line: ProgressLine,
): Promise<Artefacts> {
  const { localArtefacts } = await import('@errata/editors');
  const brought = async (kind: string) => {
    const named: Readonly<Record<string, string | undefined>> = readDefaults(directory).artefacts ?? {};
    const name = named[kind];
    return name === undefined ? undefined : readFile(join(directory, name));
  };
  const source = { model, digest, store: fileArtefactStore(cacheFolder()), corpus, brought, request };
  return localArtefacts(source, needs, {
    onBuild: (kind, missing) => {
      const { title, withoutText } = describeArtefact(kind);
      const from = withoutText(missing, { name: '', outdated: false }) === null ? '' : ` from ${corpus}`;
      const scopes = missing.map(({ scope }) => scope).join(', ');
      console.error(`${title} (${scopes}): none stored, building them${from}`);
    },
    onProgress: ({ stage, done, total }) => line.update(stage, bar(done, total)),
  });
}
