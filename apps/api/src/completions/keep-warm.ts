// Keeps versions open in the serving engines: those that certain names stand for, wherever these move.
import { ErrataError } from '@errata/contracts';
import type { ServingEngines, WarmVersion } from '@errata/engine';
import type { Lineage } from '@errata/lineage';
import { modelReference } from '../requests/model-reference.ts';
import { resolveServed } from '../requests/served-names.ts';

export interface KeepWarmOptions {
  readonly lineage: Lineage;
  readonly servers: ServingEngines;
  /** As completions take them. */
  readonly names: readonly string[];
  /** Milliseconds between looks at where the names are: others move them too, and a process that was replaced has forgotten. */
  readonly everyMs: number;
  readonly onFailure: (error: unknown, name: string | null) => void;
}

export interface KeepingWarm {
  /** Looks now; a look that is under way is followed by another. */
  look(): void;
  /** Resolves when no look is under way; there are none after it. */
  stop(): Promise<void>;
}

/** Looks at once, and from then on. A name that stands for nothing is told of once and looked for again. */
export function keepWarm({ lineage, servers, names, everyMs, onFailure }: KeepWarmOptions): KeepingWarm {
  let looking: Promise<void> | null = null;
  let again = false;
  /** Names that stand for nothing, as was told. */
  const told = new Set<string>();
  let stopped = names.length === 0;

  const once = async () => {
    const versions: WarmVersion[] = [];
    for (const name of names) {
      try {
        const { model, source } = await resolveServed(lineage, name);
        versions.push({ model: modelReference(model), version: source });
        told.delete(name);
      } catch (error) {
        if (!told.has(name)) onFailure(error, name);
        told.add(name);
      }
    }
    await servers.keepWarm(versions).catch((error: unknown) => {
      // The engines are stopped before the looks are.
      if (!(error instanceof ErrataError && error.code === 'unavailable')) onFailure(error, null);
    });
  };

  const look = () => {
    again = true;
    if (stopped) return;
    looking ??= (async () => {
      while (again && !stopped) {
        again = false;
        await once();
      }
      looking = null;
    })();
  };

  const timer = setInterval(look, everyMs).unref();
  look();
  return {
    look,
    stop: async () => {
      stopped = true;
      clearInterval(timer);
      await looking;
    },
  };
}
