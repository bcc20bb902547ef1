// Processes of their own for what is measured, so that whoever asks takes nothing from whoever answers.
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

export interface Started {
  readonly pid: number;
  /** What it said when it was ready. */
  readonly report: Readonly<Record<string, unknown>>;
  stop(): Promise<void>;
}

export const startProgram = (name: 'api' | 'worker', environment: Readonly<Record<string, string>>): Promise<Started> =>
  started(
    spawn(process.execPath, [`apps/${name}/bin/${name}.js`], {
      cwd: root,
      env: { ...process.env, ...environment, LOG_LEVEL: 'error' },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    }),
  );

/** A bare Fastify that answers every request with the same; its report has its `port`. */
export const startBareFastify = (answer: unknown): Promise<Started> =>
  started(fork(fileURLToPath(new URL('./bare-fastify.ts', import.meta.url)), [JSON.stringify(answer)]));

async function started(program: ChildProcess): Promise<Started> {
  const exited = once(program, 'exit');
  const [report] = (await Promise.race([once(program, 'message'), exited])) as [unknown];
  if (typeof report !== 'object' || report === null || !('ready' in report))
    throw new Error(`a process did not start: ${JSON.stringify(report)}`);
  return {
    pid: program.pid!,
    report: report as Readonly<Record<string, unknown>>,
    stop: async () => {
      program.kill('SIGTERM');
      await exited;
    },
  };
}
