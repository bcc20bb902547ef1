// A log file that does not grow for ever: when it is full it is set aside, and the oldest that was set aside goes.
import { closeSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs';

const largest = 10 * 1024 * 1024;
const keptAside = 3;

export interface BoundedLog {
  /** Appends. What cannot be written is lost: a full disk must not end what is logged. */
  write(chunk: Buffer): void;
  close(): void;
}

/**
 * Opens a log for appending; nobody else may read it. Files end with whole lines.
 * @param most bytes of one file; `FILE.1` to `FILE.3` are the ones before, the latest first
 */
export function openBoundedLog(file: string, most = largest): BoundedLog {
  let descriptor: number | undefined;
  let size = 0;
  const attempt = (work: () => void) => {
    try {
      work();
    } catch {}
  };
  const open = () =>
    attempt(() => {
      descriptor = openSync(file, 'a', 0o600);
      size = fstatSync(descriptor).size;
    });
  const close = () => {
    if (descriptor !== undefined) attempt(() => closeSync(descriptor!));
    descriptor = undefined;
  };
  const append = (chunk: Buffer) => {
    if (descriptor === undefined) open();
    attempt(() => {
      for (let done = 0; done < chunk.length && descriptor !== undefined; ) {
        const written = writeSync(descriptor, chunk, done);
        done += written;
        size += written;
      }
    });
  };
  const setAside = () => {
    close();
    for (let age = keptAside; age > 1; age--) attempt(() => renameSync(`${file}.${age - 1}`, `${file}.${age}`));
    attempt(() => renameSync(file, `${file}.1`));
  };
  open();
  return {
    write: (chunk) => {
      const lineEnd = chunk.lastIndexOf('\n') + 1;
      if (size + chunk.length <= most || (lineEnd === 0 && size < 2 * most)) return append(chunk);
      append(chunk.subarray(0, lineEnd));
      setAside();
      if (lineEnd < chunk.length) append(chunk.subarray(lineEnd));
    },
    close,
  };
}
