// How commands name a model and where on it: MODEL, MODEL@BRANCH or MODEL@VERSION, and settings as key=value.
import type { ErrataClient } from '@errata/sdk';
import { InvalidArgumentError } from 'commander';

export interface Reference {
  readonly model: string;
  /** A branch name or a version id; `main` when left out. */
  readonly at: string;
}

export function parseReference(text: string): Reference {
  const [model, at = 'main', ...rest] = text.split('@');
  if (model === undefined || model === '' || at === '' || rest.length > 0) {
    throw new InvalidArgumentError(`${JSON.stringify(text)} is not MODEL, MODEL@BRANCH or MODEL@VERSION`);
  }
  return { model, at };
}

/** The same as the fields of a request that takes any version: MODEL is the head of `main`. */
export function placeOf(text: string): { readonly model: string; readonly branch?: string; readonly version?: string } {
  const { model, at } = parseReference(text);
  return at.startsWith('ver_') ? { model, version: at } : { model, branch: at };
}

/** The id of a version that is named by its id, the beginning of one, or as MODEL@NAME for a branch, an alias or a tag. */
export async function versionNamed(client: ErrataClient, text: string): Promise<string> {
  if (text.startsWith('ver_')) return text;
  const { model, at } = parseReference(text);
  return (await client.resolve(model, at)).version_id;
}

/** Collects repeated `--set key=value`; values are JSON where they parse as JSON, else text. */
export function collectSetting(text: string, settings: Record<string, unknown> = {}): Record<string, unknown> {
  const split = text.indexOf('=');
  if (split < 1) throw new InvalidArgumentError('It must be key=value.');
  const raw = text.slice(split + 1);
  let value: unknown = raw;
  try {
    value = JSON.parse(raw);
  } catch {
    // A bare word is a string.
  }
  return { ...settings, [text.slice(0, split)]: value };
}
