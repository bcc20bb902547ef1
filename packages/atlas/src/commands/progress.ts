// A progress line on stderr: redrawn on a terminal, one line now and then elsewhere.
import { shareDone } from '@errata/contracts';

export interface ProgressLine {
  /** Shows a text; `always` also where lines are kept. */
  show(text: string, always?: boolean): void;
  end(): void;
}

export function progressLine(everySeconds = 20): ProgressLine {
  const terminal = process.stderr.isTTY === true;
  let last = 0;
  return {
    show(text, always = false) {
      if (terminal) {
        process.stderr.write(`\r\x1b[2K${text}`);
        return;
      }
      const now = performance.now();
      if (!always && last !== 0 && now - last < everySeconds * 1000) return;
      last = now;
      process.stderr.write(`${text}\n`);
    },
    end() {
      if (terminal) process.stderr.write('\n');
    },
  };
}

/** `[####......] 40 %` */
export function bar(done: number, total: number, width = 24): string {
  const share = shareDone(done, total);
  const full = Math.round(share * width);
  return `[${'#'.repeat(full)}${'.'.repeat(width - full)}] ${String(Math.floor(share * 100)).padStart(3)} %`;
}

/** Seconds as `1 h 02 min`, `3 min 20 s` or `20 s`. */
export function duration(seconds: number): string {
  const s = Math.round(seconds);
  if (s >= 3600) return `${Math.floor(s / 3600)} h ${String(Math.floor((s % 3600) / 60)).padStart(2, '0')} min`;
  return s >= 60 ? `${Math.floor(s / 60)} min ${String(s % 60).padStart(2, '0')} s` : `${s} s`;
}
