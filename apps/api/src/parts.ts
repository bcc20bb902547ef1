// What the routes are made of: everything with a connection or a process behind it, opened by main.ts or by a test.
import type { PlaceView } from '@errata/blobs';
import type { EngineClient, ServingEngines } from '@errata/engine';
import type { Lineage } from '@errata/lineage';
import type { Dispatch } from '@errata/queue';

export interface ApiParts {
  readonly lineage: Lineage;
  readonly dispatch: Dispatch;
  /** Where blobs are, to tell of it; engines read them. */
  readonly blobs: PlaceView;
  /** Serve completions, and do nothing else. The processes behind them start with the first one. */
  readonly servers: ServingEngines;
  /** Exports and compares versions, a process of its own: who is served does not wait for that. */
  readonly engine: EngineClient;
  /** Lays batches out, a process of its own: neither submissions nor completions wait for one another. It opens no model's weights. */
  readonly tokenizers: EngineClient;
}

export interface ApiLimits {
  /** Largest request body in bytes, of requests that bring edits or cases; others are held to less. */
  readonly bodyLimit: number;
  /** Requests a minute by key; 0 for no limit. */
  readonly rateLimit: number;
  /** Completions that may wait for the engine. */
  readonly completionQueue: number;
  /** Jobs of one key that have not ended; 0 for no limit. */
  readonly jobsPerKey: number;
  /** Event streams of one key to this process; 0 for no limit. */
  readonly streamsPerKey: number;
  /** Milliseconds between looks at the events table while somebody waits for news. */
  readonly eventPollMs: number;
  readonly heartbeatMs: number;
  /** Longest time from a request's first byte to its last. */
  readonly requestTimeoutMs: number;
  /** Longest time for which nothing is sent or received while a request is answered. */
  readonly silenceMs: number;
}

export const defaultLimits: ApiLimits = {
  bodyLimit: 32 * 1024 * 1024,
  rateLimit: 0,
  completionQueue: 64,
  jobsPerKey: 1000,
  streamsPerKey: 100,
  eventPollMs: 250,
  heartbeatMs: 15_000,
  requestTimeoutMs: 120_000,
  silenceMs: 900_000,
};
