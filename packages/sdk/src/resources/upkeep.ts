// Upkeep: checks of everything stored, collections of what nothing names.
import type { CheckRequest, CollectionRequest, JobResource } from '@errata/contracts';
import type { Caller } from '../caller.ts';
import type { CallOptions } from '../transport.ts';

export const checks = ({ post }: Caller) => ({
  /** Queues a check of everything that is stored; the job's result is a CheckReport. */
  create: (request: CheckRequest = {}, call?: CallOptions) => post<JobResource>('/v1/checks', request, call),
});

export const collections = ({ post }: Caller) => ({
  /** Queues a collection of unnamed blobs, by default a dry run; the job's result is a CollectionReport. */
  create: (request: CollectionRequest = {}, call?: CallOptions) => post<JobResource>('/v1/collections', request, call),
});
