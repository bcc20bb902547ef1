// What commands print: tables, errors, one live progress line. Results go to stdout, everything else to stderr.
import { type Complaint, type PlainError, shareDone, toPlainError } from '@errata/contracts';
import colors from 'picocolors';
import { explainFileError } from '../arguments/files.ts';
import { exitCodeOf } from './exit-codes.ts';

export const printJson = (value: unknown): void => console.log(JSON.stringify(value, null, 2));

/** A text of a model or of its corrections on one line: what breaks lines, or commands a terminal, is shown instead. */
export const oneLine = (text: string): string =>
  text
    .replaceAll(/\r\n|[\n\r\v\f\u0085\u2028\u2029]/g, '⏎')
    .replaceAll('\t', '⇥')
    .replaceAll(/\p{Cc}/gu, (control) => `\\x${control.charCodeAt(0).toString(16).padStart(2, '0')}`);

/** Tells of something that stops nothing, on stderr. */
export const warn = (remark: string): void => console.error(`${colors.yellow('warning:')} ${oneLine(remark)}`);

/** What an edit asks for, on one line. */
export const wording = ({ prompt, target_new }: { readonly prompt: string; readonly target_new: string }): string =>
  oneLine(`${prompt} -> ${target_new.trim()}`);

/** Columns padded to their widest cell; numbers to the right. A row is one line, whatever its cells hold. */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const cells = rows.map((row) => row.map((cell) => oneLine(String(cell))));
  const widths = head.map((title, column) => Math.max(title.length, ...cells.map((row) => row[column]?.length ?? 0)));
  const numeric = head.map(
    (_, column) =>
      rows.length > 0 &&
      rows.every((row) => typeof row[column] === 'number' || /^[-+]?[\d.]+%?$|^[-–]$/.test(String(row[column]))),
  );
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => (numeric[column] ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!)))
      .join('  ')
      .trimEnd();
  return [colors.bold(line(head)), ...cells.map(line)].join('\n');
}

/** A version or edit id short enough to read; the commands accept any unique prefix. */
export const short = (id: string): string => (id.startsWith('ver_') ? id.slice(0, 16) : id);

/** A moment to the minute, in UTC. */
export const minute = (moment: Date | string | null): string =>
  moment === null ? 'never' : new Date(moment).toISOString().slice(0, 16).replace('T', ' ');

export const percent = (value: number | null | undefined): string =>
  value === null || value === undefined ? '-' : `${(100 * value).toFixed(1)}%`;

export interface ProgressLine {
  update(stage: string, detail?: string): void;
  done(): void;
}

/** Elsewhere than on a terminal, a stage that goes on is told of so often. */
const secondsBetweenLines = 60;

/** One line that is rewritten in place on a terminal; elsewhere one is printed when a stage begins, every minute, and when it ends. */
export function progressLine(stream: NodeJS.WriteStream = process.stderr): ProgressLine {
  let stage = '';
  let last = '';
  let printed = '';
  let printedAt = 0;
  const print = () => {
    if (last !== printed) stream.write(`${last}\n`);
    printed = last;
    printedAt = performance.now();
  };
  return {
    update(next, detail = '') {
      if (stream.isTTY) stream.write(`\r\x1b[2K${colors.cyan(next)} ${detail}`);
      else {
        const begins = next !== stage;
        if (begins) print();
        last = `${next} ${detail}`.trimEnd();
        if (begins || performance.now() - printedAt > 1000 * secondsBetweenLines) print();
      }
      stage = next;
    },
    done() {
      if (stream.isTTY) stream.write('\r\x1b[2K');
      else print();
    },
  };
}

/** `done/total` with a bar. */
export function bar(done: number, total: number, width = 24): string {
  const filled = Math.round(width * shareDone(done, total));
  return `${'█'.repeat(filled)}${'░'.repeat(width - filled)} ${done}/${total}`;
}

/** Prints an error for people, or as JSON, and returns the exit code it asks for. Only our own defects show more than a message. */
export function printError(thrown: unknown, json: boolean): number {
  const plain = plainOf(thrown);
  if (json) printJson({ error: plain });
  else {
    console.error(`${colors.red('error')} ${colors.dim(plain.code)} ${plain.message}`);
    const complaints = plain.errors.filter((complaint) => !isSaid(complaint, plain.message));
    for (const complaint of complaints.slice(0, 20)) console.error(`  ${placeOf(complaint)}${complaint.message}`);
    if (complaints.length > 20) console.error(`  and ${complaints.length - 20} more`);
    if (plain.code === 'internal' && process.env.ERRATA_DEBUG !== undefined) console.error(thrown);
    else if (plain.code === 'internal')
      console.error(colors.dim('  this is a defect of ours; set ERRATA_DEBUG=1 for its trace'));
  }
  return exitCodeOf(plain.code);
}

const plainOf = (thrown: unknown): PlainError => toPlainError(explainFileError(thrown) ?? thrown);

/** Whether a message says all that a complaint does. */
const isSaid = ({ message, line, field = '' }: Complaint, said: string): boolean =>
  said.includes(message) && said.includes(field) && (line === undefined || said.includes(`line ${line}`));

/** The line, or where in the document; the field, unless the message names it. */
function placeOf({ line, pointer, field, message }: Complaint): string {
  const named = field === undefined || field === '' || message.includes(field);
  const inside = pointer !== undefined && pointer !== `/${field}` ? pointer : undefined;
  const place = [line === undefined ? inside : `line ${line}`, named || inside !== undefined ? undefined : field];
  const told = place.filter((part) => part !== undefined && part !== '').join(', ');
  return told === '' ? '' : `${colors.yellow(told)}: `;
}
