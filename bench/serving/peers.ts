// What others take for the same work on the same machine: transformers' generate, and llama.cpp's server on the GGUF file of an export.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const scriptOf = (name: string) => fileURLToPath(new URL(`../peers/${name}.py`, import.meta.url));
const run = promisify(execFile);

/** Why a peer is not there, in a line. */
const reasonOf = (error: unknown): string => {
  const { stderr = '', message } = error as { readonly stderr?: string; readonly message: string };
  return stderr.trim().split('\n').at(-1) || message.split('\n')[0]!;
};

/** Tokens a second of transformers' generate, of prompts of one length in one batch; or why there are none. */
export async function transformersRate(
  python: string,
  directory: string,
  prompts: readonly (readonly number[])[],
  threads: number,
): Promise<number | string> {
  try {
    const measure = `generate-${prompts.length}`;
    const args = [scriptOf('transformers'), directory, measure, `${threads}`, JSON.stringify(prompts)];
    const { stdout } = await run(python, args, { maxBuffer: 2 ** 26 });
    const { found } = JSON.parse(stdout) as { found: { count: number; seconds: number } };
    return found.count / found.seconds;
  } catch (error) {
    return reasonOf(error);
  }
}

/** llama.cpp's server while it runs. */
export interface LlamaServer {
  readonly url: string;
  readonly pid: number;
  readonly close: () => Promise<void>;
}

/** Starts llama.cpp's server over a GGUF file, as many requests at once as slots; or says why there is none. */
export async function startLlama(
  python: string,
  file: string,
  { threads, slots, context }: { readonly threads: number; readonly slots: number; readonly context: number },
): Promise<LlamaServer | string> {
  const child = spawn(python, [scriptOf('llama_server'), file, `${threads}`, `${slots}`, `${context}`]);
  let stderr = '';
  child.stderr.on('data', (data: Buffer) => {
    stderr = (stderr + data.toString()).slice(-10_000);
  });
  const failed = once(child, 'error').then(([error]) => reasonOf(error));
  const gone = once(child, 'close').catch(() => {});
  // It says things of its own before.
  const listening = (async () => {
    for await (const line of createInterface(child.stdout))
      if (line.startsWith('{"url"')) return JSON.parse(line) as { readonly url: string };
    return null;
  })();
  const found = await Promise.race([listening, failed]);
  if (found === null) return reasonOf({ stderr, message: 'it ended' });
  if (typeof found === 'string') return found;
  child.stdout.resume();
  return {
    url: `${found.url}/v1/completions`,
    pid: child.pid!,
    close: async () => {
      child.stdin.end();
      await gone;
    },
  };
}
