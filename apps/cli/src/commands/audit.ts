// errata audit: the audit log copied out, and a copy checked: by itself, and against what the service says now.

import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { type AuditEntry, type AuditPlace, auditEntrySchema, auditFault, ErrataError } from '@errata/contracts';
import type { Command } from 'commander';
import colors from 'picocolors';
import { explainFileError } from '../arguments/files.ts';
import { wholeNumber } from '../arguments/numbers.ts';
import { exitCodes } from '../output/exit-codes.ts';
import { printJson } from '../output/output.ts';
import { writeWhole } from '../output/write-whole.ts';
import { connect } from '../service/connection.ts';

const entriesAtOnce = 1000;

export function register(program: Command): void {
  const audit = program
    .command('audit')
    .description('who did what: a chain of entries, each sealed with the one before');

  audit
    .command('export')
    .description('the entries from the first on, as JSON Lines')
    .option('--after <position>', 'only those behind this one: what an earlier export lacks', wholeNumber, 0)
    .option('-o, --out <file>', 'a file, instead of standard output')
    .action(async ({ after, out }: { after: number; out?: string }) => {
      const entries = connect().audit.list({ after: String(after), limit: entriesAtOnce });
      if (out === undefined) {
        for await (const entry of entries)
          if (!process.stdout.write(lineOf(entry))) await once(process.stdout, 'drain');
        return;
      }
      await writeWhole(out, async (target) => {
        for await (const entry of entries) await target.write(lineOf(entry));
      }).catch((error) => {
        throw explainFileError(error, out) ?? error;
      });
    });

  audit
    .command('verify <file>')
    .description('check an export: its chain, and that the service still has its last entry')
    .option('--offline', 'its chain alone')
    .option('--json', 'print JSON')
    .action(async (file: string, { offline, json }: { offline?: true; json?: true }) => {
      const { last, entries, problems } = await checkCopy(file);
      if (offline !== true && last !== null) {
        const [now] = (
          await connect()
            .audit.list({ after: String(last.position - 1), limit: 1 })
            .page()
        ).data;
        if (now === undefined) problems.push(`entry ${last.position}: the service has it no more`);
        else if (now.hash !== last.hash) problems.push(`entry ${last.position}: the service has another one`);
      }
      if (problems.length > 0) process.exitCode = exitCodes.failure;
      const place = last === null ? null : { position: last.position, hash: last.hash };
      if (json) return printJson({ ok: problems.length === 0, entries, last: place, problems });
      for (const problem of problems) console.log(colors.red(problem));
      console.log(`${entries} entries${last === null ? '' : `, the last is ${last.position}, ${last.hash}`}`);
      console.log(problems.length === 0 ? colors.green('all is well') : colors.red(`${problems.length} problems`));
    });
}

const lineOf = (entry: AuditEntry): string => `${JSON.stringify(entry)}\n`;

async function checkCopy(file: string) {
  const problems: string[] = [];
  let before: AuditPlace | null = null;
  let entries = 0;
  try {
    for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
      if (line.trim() === '') continue;
      const entry = readEntry(line, file, entries + 1);
      // An export may go on from another.
      if (entries === 0 && entry.previous_hash !== null)
        before = { position: entry.position - 1, hash: entry.previous_hash };
      const fault = auditFault(entry, before);
      if (fault !== null) problems.push(`entry ${entry.position}: ${fault}`);
      before = entry;
      entries += 1;
    }
  } catch (error) {
    throw explainFileError(error, file) ?? error;
  }
  return { last: before as AuditPlace | null, entries, problems };
}

function readEntry(line: string, file: string, number: number): AuditEntry {
  try {
    return auditEntrySchema.parse(JSON.parse(line));
  } catch (cause) {
    throw new ErrataError('invalid_request', `${file}: line ${number} is no entry of an audit log`, { cause });
  }
}
