// Wrong files of many formats, each format in a process of its own.
import { fork } from 'node:child_process';
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ChildMessage, ChildOrder } from './child.ts';
import type { FormatReport } from './fuzz-files.ts';

export interface RunOptions {
  readonly formats: readonly string[];
  /** Files of each format. */
  readonly count: number;
  readonly seed: number;
  readonly from: number;
  readonly keep: string;
  readonly scratch: string;
  readonly say: (line: string) => void;
}

/** A child that says nothing for so long reads a file that keeps it for ever: it says something every thousand files, on a busy machine too. */
const silenceMs = 300_000;

/** @returns what became of each format, and what was found, a line each */
export async function runFormats({ formats, scratch, say, ...order }: RunOptions) {
  const reports: FormatReport[] = [];
  const findings: string[] = [];
  const found = (line: string) => {
    say(line);
    findings.push(line);
  };
  for (const format of formats) {
    const report = await inChild({ format, ...order, scratch }, (message) => {
      if ('done' in message) say(`${format}: ${message.done} of ${order.count}`);
      if ('finding' in message)
        found(`${format}, file ${message.finding.number}, ${message.finding.file}: ${message.finding.why}`);
    });
    rmSync(scratch, { recursive: true, force: true });
    if (typeof report === 'string') found(`${format}: ${report}`);
    else reports.push(report);
  }
  return { reports, findings };
}

function inChild(order: ChildOrder, hear: (message: ChildMessage) => void): Promise<FormatReport | string> {
  return new Promise((resolve) => {
    const child = fork(fileURLToPath(new URL('./child.ts', import.meta.url)), [JSON.stringify(order)]);
    let done = 0;
    const stuck = () => {
      child.kill('SIGKILL');
      resolve(`one of the files from number ${order.from + done} on keeps its reader for ever`);
    };
    let silence = setTimeout(stuck, silenceMs);
    child.on('message', (message: ChildMessage) => {
      clearTimeout(silence);
      silence = setTimeout(stuck, silenceMs);
      if ('done' in message) done = message.done;
      hear(message);
      if ('report' in message) resolve(message.report);
    });
    child.once('exit', (code, signal) => {
      clearTimeout(silence);
      resolve(`its reader ended (${signal ?? code}) at one of the files from number ${order.from + done} on`);
    });
  });
}
