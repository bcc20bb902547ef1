// What commands print: tables, errors, one live progress line. Results go to stdout, everything else to stderr.
import { type Complaint, type ErrorCode, type PlainError, toPlainError } from '@errata/contracts';
import colors from 'picocolors';
import { exitCodeOf } from './exit-codes.ts';

export const printJson = (value: unknown): void => console.log(JSON.stringify(value, null, 2));

/** Columns padded to their widest cell; numbers to the right. */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const cells = rows.map((row) => row.map(String));
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

export const percent = (value: number | null | undefined): string =>
  value === null || value === undefined ? '-' : `${(100 * value).toFixed(1)}%`;

export interface ProgressLine {
  update(stage: string, detail?: string): void;
  done(): void;
}

/** Elsewhere than on a terminal, a stage that goes on is told of so often. */
const secondsBetweenLines = 60;

/** One line that is rewritten in place on a terminal; elsewhere one is printed when its stage changes, and every minute. */
export function progressLine(stream: NodeJS.WriteStream = process.stderr): ProgressLine {
  let stage = '';
  let printedAt = 0;
  return {
    update(next, detail = '') {
      if (stream.isTTY) stream.write(`\r\x1b[2K${colors.cyan(next)} ${detail}`);
      else if (next !== stage || performance.now() - printedAt > 1000 * secondsBetweenLines) {
        stream.write(`${next} ${detail}`.trimEnd().concat('\n'));
        printedAt = performance.now();
      }
      stage = next;
    },
    done() {
      if (stream.isTTY) stream.write('\r\x1b[2K');
    },
  };
}

/** `done/total` with a bar. */
export function bar(done: number, total: number, width = 24): string {
  const filled = total === 0 ? 0 : Math.round((width * done) / total);
  return `${'█'.repeat(filled)}${'░'.repeat(width - filled)} ${done}/${total}`;
}

/** Prints an error for people, or as JSON, and returns the exit code it asks for. Only our own defects show more than a message. */
export function printError(thrown: unknown, json: boolean): number {
  const plain = plainOf(thrown);
  if (json) printJson({ error: plain });
  else {
    console.error(`${colors.red('error')} ${colors.dim(plain.code)} ${plain.message}`);
    for (const complaint of plain.errors.slice(0, 20)) console.error(`  ${placeOf(complaint)}${complaint.message}`);
    if (plain.errors.length > 20) console.error(`  and ${plain.errors.length - 20} more`);
    if (plain.code === 'internal' && process.env.ERRATA_DEBUG !== undefined) console.error(thrown);
    else if (plain.code === 'internal')
      console.error(colors.dim('  this is a defect of ours; set ERRATA_DEBUG=1 for its trace'));
  }
  return exitCodeOf(plain.code);
}

function plainOf(thrown: unknown): PlainError {
  const plain = toPlainError(thrown);
  const system = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined;
  // A file that a person named and that is not there is their mistake, not our defect.
  if (plain.code === 'internal' && (system === 'ENOENT' || system === 'EISDIR' || system === 'ENOTDIR')) {
    return { ...plain, code: 'not_found' satisfies ErrorCode };
  }
  return plain;
}

function placeOf(complaint: Complaint): string {
  const place = complaint.line !== undefined ? `line ${complaint.line}` : (complaint.pointer ?? '');
  const field =
    complaint.field !== undefined && complaint.field !== '' ? `${place === '' ? '' : ', '}${complaint.field}` : '';
  return place === '' && field === '' ? '' : `${colors.yellow(`${place}${field}`)}: `;
}
