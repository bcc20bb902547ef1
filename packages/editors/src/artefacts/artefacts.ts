// The artefacts of one base model, opened: each is read and decoded once.
import { type ArtefactNeed, ErrataError } from '@errata/contracts';
import type { ArtefactBuilder, Artefacts } from './builder.ts';
import { needKey } from './need-key.ts';

/** An artefact that is there for a need. */
export interface GivenArtefact {
  readonly need: ArtefactNeed;
  read(): Promise<Uint8Array | undefined>;
}

/** Opens the artefacts of one base model. What was read once is kept for as long as the returned object is. */
export function openArtefacts(model: string, given: readonly GivenArtefact[]): Artefacts {
  const byNeed = new Map(given.map((one) => [needKey(one.need), one]));
  const decoded = new Map<string, Promise<unknown>>();
  const decode = async (builder: ArtefactBuilder, need: ArtefactNeed): Promise<unknown> => {
    const bytes = await byNeed.get(needKey(need))?.read();
    const { kind, scope } = need;
    if (bytes === undefined)
      throw new ErrataError('artefact_missing', `the artefact ${kind} of ${scope} has not been built`, {
        details: { ...need, model },
      });
    return builder.decode(bytes, { model, scope });
  };
  return {
    model,
    read: <Value>(builder: ArtefactBuilder<Value>, need: ArtefactNeed) => {
      const key = needKey(need);
      const known = decoded.get(key) ?? decode(builder, need);
      decoded.set(key, known);
      return known as Promise<Value>;
    },
  };
}
