// A process that reads the wrong files of one format: should one of them keep it for ever, whoever started it ends it.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileNamePart, formats } from './formats.ts';
import { type FileFinding, type FormatReport, fuzzFiles } from './fuzz-files.ts';

/** What it is told, as JSON in its first argument. */
export interface ChildOrder {
  readonly format: string;
  readonly seed: number;
  readonly from: number;
  readonly count: number;
  readonly scratch: string;
  /** Where what was found is written. */
  readonly keep: string;
}

/** What it says: a report is its last word. */
export type ChildMessage =
  | { readonly done: number }
  | { readonly finding: Omit<FileFinding, 'bytes'> & { readonly file: string } }
  | { readonly report: FormatReport };

const { format: name, keep, ...order } = JSON.parse(process.argv[2]!) as ChildOrder;
const say = (message: ChildMessage) => process.send!(message);
const report = await fuzzFiles(formats.find((format) => format.name === name)!, {
  ...order,
  onProgress: (done) => say({ done }),
  onFinding: ({ bytes, ...finding }) => {
    const file = join(keep, `${fileNamePart(name)}-${order.seed}-${finding.number}`);
    mkdirSync(keep, { recursive: true });
    writeFileSync(file, bytes);
    say({ finding: { ...finding, file } });
  },
});
say({ report });
process.disconnect!();
