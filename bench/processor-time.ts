// Seconds of processor time that another process has had: what a shared machine does not distort. Known where there is a /proc.
import { readFileSync } from 'node:fs';

/** The kernel counts in hundredths of a second, whatever the clock of the scheduler. */
const ticksPerSecond = 100;

export function processorSeconds(pid: number): number | undefined {
  try {
    // The name of the program comes first, in brackets, and may hold anything.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ');
    return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
  } catch {
    return undefined;
  }
}
