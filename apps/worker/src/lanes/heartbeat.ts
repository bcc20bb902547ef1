// Says again and again that this worker lives and what it has, for those who ask whether any does, and hears whether it is to take no more.
import { forgetWorker, type Lineage, noteWorker } from '@errata/lineage';

const everyMs = 5_000;
/** What was said counts for so long: a database that is away for a moment, or a busy machine, is no death. */
const countsForMs = 20_000;

/**
 * Says so at once, and from then on until it is stopped. What cannot be said now is said the next time.
 * @param onDrain called once, when somebody has asked this worker to take no more
 */
export async function startHeartbeat(
  lineage: Lineage,
  { name, labels }: { readonly name: string; readonly labels: readonly string[] },
  onDrain: () => void,
): Promise<{ stop(): Promise<void> }> {
  let drains = false;
  const say = async () => {
    const { drain } = await noteWorker(lineage, name, countsForMs, labels);
    if (drain && !drains) onDrain();
    drains ||= drain;
  };
  let saying = say();
  await saying;
  const timer = setInterval(() => {
    saying = saying.then(say).catch(() => {});
  }, everyMs);
  let stopped: Promise<void> | undefined;
  const stop = async () => {
    clearInterval(timer);
    await saying;
    await forgetWorker(lineage, name).catch(() => {}); // it will be forgotten in time
  };
  return {
    stop: () => {
      stopped ??= stop();
      return stopped;
    },
  };
}
