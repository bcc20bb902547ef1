// Engines that serve: processes apart from all other work, each call to the one that has the least to do.
import type { VersionSource } from '@errata/contracts';
import { versionId } from '@errata/contracts';
import type { ModelReference, ParamsOf, PartOf, ResultOf } from './calls/index.ts';
import { type CallOptions, type ClientOptions, type EngineClient, startEngine } from './client.ts';
import type { EngineSettings } from './settings.ts';

/** What an engine that serves is asked. */
type ServingMethod = 'complete' | 'embed' | 'snapshot';

/** A version that is kept open. */
export interface WarmVersion {
  readonly model: ModelReference;
  readonly version: VersionSource;
}

export interface ServingEngines {
  /** @throws as {@link EngineClient.call} */
  call<M extends ServingMethod>(method: M, params: ParamsOf<M>, options?: CallOptions<PartOf<M>>): Promise<ResultOf<M>>;
  /**
   * Has every engine keep these versions open, and no others that it was told to keep before.
   * @throws as {@link EngineClient.call}, what the first engine that failed did
   */
  keepWarm(versions: readonly WarmVersion[]): Promise<void>;
  /** Ids of the processes that run. */
  pids(): readonly number[];
  stop(): Promise<void>;
}

/** @param count processes, each of which starts with the first call that it gets */
export function startServing(settings: EngineSettings, count: number, options: ClientOptions = {}): ServingEngines {
  const engines = Array.from({ length: count }, () => ({ client: startEngine(settings, options), calls: 0 }));
  type Engine = (typeof engines)[number];
  /** Which engine a version, or an encoder, went to last: it has it open. */
  const last = new Map<string, Engine>();
  const remembered = 1000;

  const engineFor = (held: string): Engine => {
    const least = Math.min(...engines.map(({ calls }) => calls));
    const known = last.get(held);
    const chosen = known !== undefined && known.calls === least ? known : engines.find(({ calls }) => calls === least)!;
    last.delete(held);
    last.set(held, chosen);
    if (last.size > remembered) last.delete(last.keys().next().value!);
    return chosen;
  };

  const counted = async <T>(engine: Engine, work: (client: EngineClient) => Promise<T>): Promise<T> => {
    engine.calls += 1;
    try {
      return await work(engine.client);
    } finally {
      engine.calls -= 1;
    }
  };

  return {
    call: (method, params, callOptions) => {
      const held =
        'encoder' in params ? params.encoder : versionId('version' in params ? params.version : params.source);
      return counted(engineFor(held), (client) => client.call(method, params, callOptions));
    },
    keepWarm: async (versions) => {
      // A process that does not run keeps nothing anyway.
      const told = engines.filter(({ client }) => versions.length > 0 || client.pid() !== undefined);
      await Promise.all(told.map((engine) => counted(engine, (client) => client.call('keepWarm', { versions }))));
    },
    pids: () => engines.flatMap(({ client }) => client.pid() ?? []),
    stop: async () => {
      await Promise.all(engines.map(({ client }) => client.stop()));
    },
  };
}
