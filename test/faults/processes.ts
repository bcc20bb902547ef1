// Who started whom, as the system tells.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

const everybody = async () =>
  (await run('ps', ['-A', '-o', 'pid=,ppid='])).stdout
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number) as [number, number]);

export const parentOf = async (pid: number): Promise<number | undefined> =>
  (await everybody()).find(([child]) => child === pid)?.[1];

export const childrenOf = async (pid: number): Promise<readonly number[]> =>
  (await everybody()).flatMap(([child, parent]) => (parent === pid ? [child] : []));
