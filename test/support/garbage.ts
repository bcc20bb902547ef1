// Asking for the collection of garbage: what nobody holds is gone soon after.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Collects garbage again and again until it is called off. */
export function collectGarbage(): { stop(): void } {
  const timer = setInterval(collect, 10);
  return { stop: () => clearInterval(timer) };
}
