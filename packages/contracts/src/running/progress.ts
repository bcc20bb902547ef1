// How far something has come. Progress is only shown: it may be wrong, and must not fail what it shows.

/** A share from 0 to 1, whatever is counted: more than there was to do is all of it, and nothing to do is nothing done. */
export function shareDone(done: number, total: number): number {
  const share = done / total;
  return share > 0 && total > 0 ? Math.min(share, 1) : 0;
}

/** The same listener, of which nobody notices when it fails. */
export const onlyShowing =
  <T>(listener: ((progress: T) => void) | undefined): ((progress: T) => void) =>
  (progress) => {
    try {
      listener?.(progress);
    } catch {}
  };
