// errata export: a version of the service in a form that other tools load: a checkpoint, an adapter, a GGUF file and their like.
import { createWriteStream, existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, normalize, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ErrataError, exportReportName, exportReportSchema } from '@errata/contracts';
import type { Command } from 'commander';
import { extract } from 'tar-stream';
import { addExportOptions, exportSettings, type GivenExport } from '../arguments/export-settings.ts';
import { versionNamed } from '../arguments/references.ts';
import { printJson, short } from '../output/output.ts';
import { connect } from '../service/connection.ts';

export function register(program: Command): void {
  const command = program
    .command('export <model[@name]>')
    .description('write a version (of a branch, an alias, a tag, or by id) in a form that other tools load')
    .requiredOption('--out <dir>', 'a new or empty directory');
  addExportOptions(command)
    .option('--json', 'print JSON')
    .action(async (reference: string, options: GivenExport & { out: string; json?: true }) => {
      const settings = exportSettings(options);
      const out = resolve(options.out);
      if (existsSync(out) && readdirSync(out).length > 0) {
        throw new ErrataError('output_exists', `${out} is not empty: choose another directory`, {
          details: { path: out },
        });
      }
      const client = connect();
      const version = await versionNamed(client, reference);
      const files = await unpack(Readable.fromWeb(await client.versions.export(version, settings)), out);
      const report = files.includes(exportReportName)
        ? exportReportSchema.parse(JSON.parse(readFileSync(join(out, exportReportName), 'utf8')))
        : null;
      if (options.json) return printJson({ version_id: version, out, files, report });
      console.log(`${short(version)} is in ${out}: ${files.join(', ')}`);
      for (const remark of report?.remarks ?? []) console.log(remark);
    });
}

/** Whether a name of an archive leads to a place within the directory that it is unpacked to. */
const staysInside = (name: string): boolean =>
  name !== '' && !isAbsolute(name) && normalize(name) === name && !name.startsWith('..');

/** Unpacks an archive of plain files beside a directory and then moves it there: it is whole or not there. */
async function unpack(archive: Readable, out: string): Promise<readonly string[]> {
  const partial = join(dirname(out), `.${basename(out)}.partial`);
  const files: string[] = [];
  try {
    await rm(partial, { recursive: true, force: true });
    await mkdir(partial, { recursive: true });
    const entries = extract();
    await Promise.all([
      pipeline(archive, entries),
      (async () => {
        for await (const entry of entries) {
          const { name, type } = entry.header;
          if (type !== 'file' || !staysInside(name))
            throw new ErrataError(
              'invalid_checkpoint',
              `the archive holds ${JSON.stringify(name)}, which is no plain file within it`,
            );
          await mkdir(dirname(join(partial, name)), { recursive: true });
          await pipeline(entry, createWriteStream(join(partial, name)));
          files.push(name);
        }
      })(),
    ]);
    await rm(out, { recursive: true, force: true });
    await rename(partial, out);
    return files;
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  }
}
