// Artefacts without a service: kept in a store of files, and built where it lacks them.
import type { ArtefactNeed } from '@errata/contracts';
import type { Model } from '@errata/models';
import { openArtefacts } from './artefacts.ts';
import { buildArtefacts, builderOf, buildParameters } from './build.ts';
import type { Artefacts, BuildInput, BuildProgress, BuiltArtefact } from './builder.ts';
import type { ArtefactRequestFields } from './description.ts';
import { describeArtefact } from './index.ts';
import { type Provided, provideArtefacts } from './provide.ts';
import type { ArtefactStore } from './store.ts';

/** Of what artefacts are built, and where they are kept. */
export interface LocalSource {
  readonly model: Model;
  readonly digest: string;
  readonly store: ArtefactStore;
  /** A text file; undefined where neither the user nor the model names one. */
  readonly corpus?: string | undefined;
  /** What the model brought along for a kind; nothing where left out. */
  readonly brought?: BuildInput['brought'];
  /** What else is said of how they are to be built; a kind takes of it what it knows. */
  readonly request?: ArtefactRequestFields;
}

export interface LocalListener {
  /** Artefacts that are about to be built. */
  readonly onBuild?: (kind: string, needs: readonly ArtefactNeed[]) => void;
  readonly onProgress?: (progress: BuildProgress) => void;
  readonly signal?: AbortSignal;
}

/**
 * The artefacts that an editor needs. Those of another text, or built with other parameters, are others.
 * @throws ErrataError what building them throws
 */
export async function localArtefacts(
  { model, digest, store, corpus, brought = async () => undefined, request = {} }: LocalSource,
  needs: readonly ArtefactNeed[],
  { onBuild, onProgress, signal }: LocalListener = {},
): Promise<Artefacts> {
  const open = (parents: readonly Provided<Uint8Array>[]) =>
    openArtefacts(
      digest,
      parents.map(({ need, kept }) => ({ need, read: async () => kept })),
    );
  const input = { model, digest, request, corpus, brought };
  const find = async (need: ArtefactNeed, parameters: ArtefactRequestFields): Promise<Uint8Array | null> => {
    const { kind, scope } = need;
    const bytes = await store.get(describeArtefact(kind).file(digest, scope, parameters));
    const builder = await builderOf(kind);
    return bytes !== undefined && isReadable(() => builder.decode(bytes, { model: digest, scope })) ? bytes : null;
  };
  const provided = await provideArtefacts<Uint8Array>(needs, {
    async find(wanted) {
      const found = new Map<ArtefactNeed, Uint8Array | null>();
      for (const kind of new Set(wanted.map((need) => need.kind))) {
        const theirs = wanted.filter((need) => need.kind === kind);
        const parameters = await buildParameters(kind, theirs, input);
        for (const [index, need] of theirs.entries()) found.set(need, await find(need, parameters[index]!));
      }
      return wanted.map((need) => found.get(need)!);
    },
    async build(kind, theirs, parents) {
      onBuild?.(kind, theirs);
      const keep = async ({ parameters, bytes }: BuiltArtefact, { scope }: ArtefactNeed) => {
        await store.put(describeArtefact(kind).file(digest, scope, parameters), bytes);
        return bytes;
      };
      const building = { input, parents: open(parents), scratch: store, keep };
      return buildArtefacts(kind, theirs, building, { onProgress, signal });
    },
  });
  return open(provided);
}

/** What a crash or another release left in the store is not an error: it is made again. */
function isReadable(read: () => unknown): boolean {
  try {
    read();
    return true;
  } catch {
    return false;
  }
}
