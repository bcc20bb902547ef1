// The largest resident memory of this process since a moment: that of its whole life would be laid to whoever comes last.
import { readFileSync, writeFileSync } from 'node:fs';

/** What the kernel's peak was whenever it was started anew: watches overlap, and the earlier ones still want to know. */
const ended: number[] = [];

/**
 * Begins to watch. Linux keeps the peak and starts it anew when asked; elsewhere what is resident now and when the peak is asked for
 * has to do, which says too little of what came and went between.
 * @returns the peak so far, in bytes
 */
export function watchMemory(): () => number {
  const isReset = resetPeak();
  const [atFirst, since] = [process.memoryUsage.rss(), ended.length];
  return () => Math.max(atFirst, process.memoryUsage.rss(), ...(isReset ? [kernelPeak(), ...ended.slice(since)] : []));
}

/** proc(5): 5 sets the peak to what is resident now. Some containers do not let a process do so. */
function resetPeak(): boolean {
  try {
    const peak = kernelPeak();
    writeFileSync('/proc/self/clear_refs', '5');
    ended.push(peak);
    return peak > 0;
  } catch {
    return false;
  }
}

function kernelPeak(): number {
  const [, kilobytes = '0'] = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return 1024 * Number(kilobytes);
}
