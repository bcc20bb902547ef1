// What people write for a model: a path, or the name of a repository on the hub.

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { ModelError } from '../errors.ts';

/** A model on the hub. */
export interface HubName {
  /** `ORG/NAME` */
  readonly repository: string;
  /** A branch, a tag or a commit. */
  readonly revision: string;
  /** A GGUF file of the repository, where one is named. */
  readonly file: string | undefined;
}

/** What was given, understood. */
export type Reference =
  | { readonly kind: 'path'; readonly path: string }
  | { readonly kind: 'hub'; readonly name: HubName };

const prefix = 'hf:';
const hubName = /^([\w-][\w.-]*\/[\w-][\w.-]*)(?:\/([\w-][\w.-]*\.gguf))?(?:@([\w-][\w./-]*))?$/;

function hubNameOf(text: string): HubName | undefined {
  const [, repository, file, revision = 'main'] = hubName.exec(text) ?? [];
  if (repository === undefined || revision.includes('..') || repository.length > 200) return undefined;
  return { repository, revision, file };
}

/** What can only be on the hub. @throws ModelError hub_name_malformed */
export function readHubName(text: string): Reference {
  const name = hubNameOf(text.startsWith(prefix) ? text.slice(prefix.length) : text);
  if (name !== undefined) return { kind: 'hub', name };
  throw new ModelError('hub_name_malformed', {
    where: text.slice(0, 300),
    what: 'it is not the name of a model on the hub',
    hint: 'Write hf:ORG/NAME, hf:ORG/NAME@REVISION or hf:ORG/NAME/FILE.gguf',
  });
}

/** As {@link readReference} reads it again. */
export const writtenHubName = ({ repository, revision, file }: HubName): string =>
  `${prefix}${repository}${file === undefined ? '' : `/${file}`}${revision === 'main' ? '' : `@${revision}`}`;

/**
 * `hf:ORG/NAME[/FILE.gguf][@REVISION]` is on the hub, and so is the same without `hf:` where nothing of that name is here; all else is
 * a path.
 * @param from where relative paths begin
 * @throws ModelError hub_name_malformed
 */
export function readReference(text: string, from: string): Reference {
  if (text.startsWith(prefix)) return readHubName(text);
  const path = resolve(from, text);
  const name = existsSync(path) || /^[^/]*\/[^/]*\.gguf$/.test(text) ? undefined : hubNameOf(text);
  return name === undefined ? { kind: 'path', path } : { kind: 'hub', name };
}

/** The reference as it is understood anywhere on this machine. @throws ModelError hub_name_malformed */
export function absoluteReference(text: string, from = process.cwd()): string {
  const reference = readReference(text, from);
  return reference.kind === 'path' ? reference.path : writtenHubName(reference.name);
}
