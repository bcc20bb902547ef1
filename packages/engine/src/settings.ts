// What an engine process is told at its start. Plain data: it crosses the process boundary as JSON.

import type { BlobPlace } from '@errata/blobs';

/** The place is that of the content-addressed store which models, deltas and statistics are read from and written to. */
export interface EngineSettings extends BlobPlace {
  /** Execution provider: `cpu`, `cuda`, `webgpu` or `auto`. */
  readonly provider?: string;
  /** Intra-op threads of the runtime. */
  readonly threads?: number;
  /** Memory budget of the process in MiB. Loading beyond it is refused; a process that has grown past it is replaced. */
  readonly memoryMb?: number;
  /** MiB of these for what versions have of their own beside their models; by default an eighth. The least recently used leave. */
  readonly versionsMb?: number;
  /** Whether models may be imported from the hub. Default true. */
  readonly hub?: boolean;
}

const defaultMemoryMb = 3072;
const mostBatchMb = 1024;

/** The memory budgets of a process, in MiB. */
export function budgetOf({ memoryMb = defaultMemoryMb, versionsMb = Math.ceil(memoryMb / 8) }: EngineSettings): {
  readonly memoryMb: number;
  readonly versionsMb: number;
  /** For keys and values of what each model is writing. */
  readonly batchMb: number;
} {
  return { memoryMb, versionsMb, batchMb: Math.min(mostBatchMb, Math.ceil(memoryMb / 8)) };
}

/**
 * How long a process may work without a sign of life, in ms. Far above what one run of a graph, or one inversion of a matrix, takes:
 * between two of them it is heard.
 */
export const defaultSilenceMs = 600_000;
