// Long work in steps: at once for those who have nothing else to do, in slices for those whom others wait for.
import { nextTurn } from '#platform';

/** Work that may be interrupted wherever it yields. */
export type Steps<T> = Generator<void, T, void>;

export function atOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** Works for `sliceMs` at a time, and lets everything else that waits have its turn in between. */
export async function inSlices<T>(steps: Steps<T>, sliceMs = 10): Promise<T> {
  for (let end = performance.now() + sliceMs; ; ) {
    const step = steps.next();
    if (step.done === true) return step.value;
    if (performance.now() < end) continue;
    await nextTurn();
    end = performance.now() + sliceMs;
  }
}
