// What a process of the service tells the process that started it.
import type { PlainError } from '@errata/contracts';

/** `ready`: it does its work now. `refused`: why it ends without having begun. */
export type ProcessReport = { readonly ready: true } | { readonly refused: PlainError };

/** Tells whoever started this process; resolves once that is on its way, at once where nobody listens. */
export const reportToStarter = (report: ProcessReport): Promise<void> =>
  new Promise((told) => (process.send === undefined ? told() : process.send(report, () => told())));
