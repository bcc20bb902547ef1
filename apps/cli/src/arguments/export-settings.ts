// The form that a version is written in, as commands take it.
import {
  defaultShardSize,
  ErrataError,
  type ExportSettings,
  exportDtypes,
  exportFormNames,
  exportForms,
  exportSettingsSchema,
} from '@errata/contracts';
import { type Command, Option } from 'commander';
import { atLeastOne } from './numbers.ts';

export interface GivenExport {
  form: string;
  dtype?: string;
  shardSize?: string;
  rank?: number;
}

const described = exportFormNames.map((form) => `${form} (${exportForms[form].title})`).join(', ');

export const addExportOptions = (command: Command): Command =>
  command
    .addOption(
      new Option('--form <name>', `what is written: ${described}`).choices(exportFormNames).default('checkpoint'),
    )
    .addOption(new Option('--dtype <type>', 'element type of the weights; float32 when left out').choices(exportDtypes))
    .option(
      '--shard-size <size>',
      `of a checkpoint: the most that a file of weights holds, such as 2GB (default: ${defaultShardSize})`,
    )
    .option('--rank <n>', 'of an adapter: the rank to cut each change to; the rank it has when left out', atLeastOne);

/** @throws ErrataError `invalid_request`, for what the form cannot be asked for */
export function exportSettings({ form, dtype, shardSize, rank }: GivenExport): ExportSettings {
  const parsed = exportSettingsSchema.safeParse({ form, dtype, shard_size: shardSize, rank });
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new ErrataError('invalid_request', `--${String(issue?.path[0]).replace('_', '-')} ${issue?.message}`);
}
