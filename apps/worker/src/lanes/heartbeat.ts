// Says again and again that this worker lives, for those who ask whether any does.
import { forgetWorker, type Lineage, noteWorker } from '@errata/lineage';

const everyMs = 5_000;
/** What was said counts for so long: a database that is away for a moment, or a busy machine, is no death. */
const countsForMs = 20_000;

/** Says so at once, and from then on until it is stopped. What cannot be said now is said the next time. */
export async function startHeartbeat(lineage: Lineage, name: string): Promise<{ stop(): Promise<void> }> {
  let saying = noteWorker(lineage, name, countsForMs);
  await saying;
  const timer = setInterval(() => {
    saying = saying.then(() => noteWorker(lineage, name, countsForMs)).catch(() => {});
  }, everyMs);
  return {
    stop: async () => {
      clearInterval(timer);
      await saying;
      await forgetWorker(lineage, name).catch(() => {}); // it will be forgotten in time
    },
  };
}
