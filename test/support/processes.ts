// Who started whom, as the system tells.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

const everybody = async (): Promise<readonly Process[]> =>
  (await run('ps', ['-A', '-o', 'pid=,ppid=,args='], { maxBuffer: 2 ** 26 })).stdout
    .split('\n')
    .map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line))
    .flatMap((found) =>
      found === null ? [] : [{ pid: Number(found[1]), parent: Number(found[2]), command: found[3]! }],
    );

export const parentOf = async (pid: number): Promise<number | undefined> =>
  (await everybody()).find((process) => process.pid === pid)?.parent;

export const childrenOf = async (pid: number): Promise<readonly Process[]> =>
  (await everybody()).filter(({ parent }) => parent === pid);
