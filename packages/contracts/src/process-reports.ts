// What a process of the service tells the process that started it.
import type { PlainError } from './errors.ts';

/** `ready`: where it listens. `refused`: why it ends without having begun. */
export type ProcessReport = { readonly ready: string } | { readonly refused: PlainError };
