// The defaults that lie beside a model, changed by what was found of it.
import { join } from 'node:path';
import { ErrataError } from '@errata/contracts';
import type { ModelDefaults } from '@errata/editors/catalogue';
import { defaultsFileName, readDefaults } from '@errata/engine';
import { writeWhole } from '../output/write-whole.ts';
import type { LocalModel } from './model.ts';

/** @throws ErrataError `invalid_request` for a model that is no directory of its own, so that no defaults can lie in it */
export function requireOwnDirectory({ origin: [given] }: Pick<LocalModel, 'origin'>): void {
  if (given?.format !== 'safetensors' || given.commit !== undefined)
    throw new ErrataError('invalid_request', '--save writes into a model directory, and the model is none');
}

/** Writes what becomes of them, whole or not at all. */
export async function changeDefaults(
  { checkpoint: { directory } }: Pick<LocalModel, 'checkpoint'>,
  change: (defaults: ModelDefaults) => ModelDefaults,
): Promise<void> {
  const text = `${JSON.stringify(change(readDefaults(directory)), null, 2)}\n`;
  await writeWhole(join(directory, defaultsFileName), (file) => file.writeFile(text));
}
