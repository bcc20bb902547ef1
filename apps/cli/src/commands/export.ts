// errata export: a version of the service as a checkpoint directory that transformers loads.
import { createWriteStream, existsSync, readdirSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, normalize, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ErrataError } from '@errata/contracts';
import type { Command } from 'commander';
import { extract } from 'tar-stream';
import { versionNamed } from '../arguments/references.ts';
import { printJson, short } from '../output/output.ts';
import { connect } from '../service/connection.ts';

export function register(program: Command): void {
  program
    .command('export <model[@name]>')
    .description('write a version (of a branch, an alias, a tag, or by id) as a checkpoint in Hugging Face layout')
    .requiredOption('--out <dir>', 'a new or empty directory')
    .option('--json', 'print JSON')
    .action(async (reference: string, options: { out: string; json?: true }) => {
      const out = resolve(options.out);
      if (existsSync(out) && readdirSync(out).length > 0) {
        throw new ErrataError('output_exists', `${out} is not empty: choose another directory`, {
          details: { path: out },
        });
      }
      const client = connect();
      const version = await versionNamed(client, reference);
      const files = await unpack(Readable.fromWeb(await client.versions.export(version)), out);
      if (options.json) return printJson({ version_id: version, out, files });
      console.log(`${short(version)} is in ${out}: ${files.join(', ')}`);
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
