// Feeds of programs, made from plain numbers.

import { type HostTensor, int32 } from '@errata/graph';

/** An int32 feed. */
export const indices = (values: readonly number[] | Int32Array): HostTensor =>
  int32([values.length], values instanceof Int32Array ? values : Int32Array.from(values));
