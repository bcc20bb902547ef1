// Real models that are at hand, for the tests that need one.
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** A directory of the folder of real models that `ERRATA_REAL_MODELS` names, or undefined where it is not at hand. */
export function realModel(name: string): string | undefined {
  const folder = process.env.ERRATA_REAL_MODELS;
  const full = folder === undefined ? undefined : join(folder, name);
  return full !== undefined && existsSync(full) ? full : undefined;
}

/** What a test run says where none is at hand; undefined where a folder is named. */
export const withoutRealModels = (): string | undefined =>
  process.env.ERRATA_REAL_MODELS
    ? undefined
    : 'ERRATA_REAL_MODELS names no folder of real models: their tests are skipped (CONTRIBUTING.md, "Real models", says how to have them run).';
