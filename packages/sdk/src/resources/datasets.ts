// Data sets: files of corrections in any layout, read into edits before anything is submitted.
import type { DatasetReading, DatasetRequest } from '@errata/contracts';
import type { Caller } from '../caller.ts';
import type { CallOptions } from '../transport.ts';

export const datasets = ({ post }: Caller) => ({
  /** Reads a file as `errata data check` does; keeps nothing of it. */
  read: (request: DatasetRequest, call?: CallOptions) => post<DatasetReading>('/v1/datasets', request, call),
});
