// Artefacts for whoever needs them: what is stored is fetched, what is missing is built and stored, and what it is built from first.
import type { ArtefactNeed } from '@errata/contracts';
import { describeArtefact } from './index.ts';
import { needKey } from './need-key.ts';

/** An artefact as its keeper knows it, and the need that it answers. */
export interface Provided<Kept> {
  readonly need: ArtefactNeed;
  readonly kept: Kept;
}

/** Where artefacts are kept, and how they are built there. Both answer in the order of the needs. */
export interface ArtefactKeeper<Kept> {
  find(needs: readonly ArtefactNeed[]): Promise<readonly (Kept | null)[]>;
  /** Builds and stores artefacts of one kind. */
  build(kind: string, needs: readonly ArtefactNeed[], parents: readonly Provided<Kept>[]): Promise<readonly Kept[]>;
}

/** What these are built from, each once. */
export const parentsOf = (needs: readonly ArtefactNeed[]): readonly ArtefactNeed[] =>
  once(needs.flatMap((need) => describeArtefact(need.kind).parents(need)));

/**
 * An artefact for each need, in order; equal needs share one.
 * @param parents what artefacts of one kind are built from
 * @throws what the keeper throws
 */
export async function provideArtefacts<Kept>(
  needs: readonly ArtefactNeed[],
  keeper: ArtefactKeeper<Kept>,
  parents = parentsOf,
): Promise<readonly Provided<Kept>[]> {
  const have = new Map<string, Kept>();
  const lacking = (some: readonly ArtefactNeed[]) => once(some).filter((need) => !have.has(needKey(need)));
  const keep = (some: readonly ArtefactNeed[], kept: readonly (Kept | null)[]) => {
    for (const [index, need] of some.entries()) {
      const one = kept[index] ?? null;
      if (one !== null) have.set(needKey(need), one);
    }
  };
  const provide = async (wanted: readonly ArtefactNeed[]): Promise<readonly Provided<Kept>[]> => {
    const unknown = lacking(wanted);
    keep(unknown, await keeper.find(unknown));
    for (const kind of new Set(unknown.map((need) => need.kind))) {
      // What another was built from is there by now.
      const missing = lacking(unknown.filter((need) => need.kind === kind));
      if (missing.length > 0) keep(missing, await keeper.build(kind, missing, await provide(parents(missing))));
    }
    return wanted.map((need) => ({ need, kept: have.get(needKey(need))! }));
  };
  return provide(needs);
}

const once = (needs: readonly ArtefactNeed[]): readonly ArtefactNeed[] => [
  ...new Map(needs.map((need) => [needKey(need), need])).values(),
];
