// What every part of a worker works with.
import type { BlobStore } from '@errata/blobs';
import type { EngineClient } from '@errata/engine';
import type { Lineage } from '@errata/lineage';
import type { Dispatch } from '@errata/queue';
import type { Snapshots } from '@errata/upkeep';
import type { Logger } from 'pino';
import type { WorkerMetrics } from './metrics.ts';
import type { WorkerSettings } from './settings.ts';

export interface WorkerContext {
  readonly settings: WorkerSettings;
  readonly lineage: Lineage;
  readonly dispatch: Dispatch;
  readonly engine: EngineClient;
  readonly blobs: BlobStore;
  readonly metrics: WorkerMetrics;
  readonly snapshots: Snapshots;
  readonly log: Logger;
  /** Aborts with an `Interruption` when running jobs are to be handed back because the process ends. */
  readonly stopping: AbortSignal;
  /** True from the moment on at which no further jobs may be taken. */
  readonly draining: () => boolean;
  /** Lanes that this worker could not work, as one whose model did not fit into its memory, and until when (ms of `performance.now`) it leaves them to others. */
  readonly declined: Map<string, number>;
}
