// errata.json: the settings and the corpus that a model directory may bring along.
import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { join, sep } from 'node:path';
import { ErrataError } from '@errata/contracts';
import { type ModelDefaults, modelDefaultsSchema } from '@errata/editors/catalogue';
import { otherThanFile } from '@errata/host';

export const defaultsFileName = 'errata.json';

/**
 * The settings a directory brings along; none where there is no errata.json.
 * @param elsewhere files of the model that are not laid out in the directory, and may be named all the same
 * @throws ErrataError `invalid_config`; `corpus_missing` where it names a file that is not there
 */
export function readDefaults(directory: string, elsewhere: ReadonlySet<string> = new Set()): ModelDefaults {
  const path = join(directory, defaultsFileName);
  if (!existsSync(path)) return { editors: {} };
  const other = otherThanFile(statSync(path));
  if (other !== undefined) throw new ErrataError('invalid_config', `${defaultsFileName} ${other}`);
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw new ErrataError('invalid_config', `${defaultsFileName} is not JSON: ${(cause as Error).message}`, { cause });
  }
  const parsed = modelDefaultsSchema.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    throw new ErrataError('invalid_config', `${defaultsFileName}, ${issue.path.join('.') || 'root'}: ${issue.message}`);
  }
  const { corpus, artefacts = {} } = parsed.data;
  if (corpus !== undefined) requireOwnFile(directory, `the corpus ${JSON.stringify(corpus)}`, corpus);
  for (const [kind, name] of Object.entries(artefacts))
    if (!elsewhere.has(name)) requireOwnFile(directory, `the artefact ${JSON.stringify(name)} (${kind})`, name);
  return parsed.data;
}

/** A file that errata.json names: within the directory, reached by no link that leads out of it. */
function requireOwnFile(directory: string, what: string, name: string): void {
  const path = join(directory, name);
  const refuse = (why: string): never => {
    throw new ErrataError('corpus_missing', `${what} of ${defaultsFileName} ${why}`, { details: { file: name } });
  };
  if (!existsSync(path)) refuse('is not there');
  if (!realpathSync(path).startsWith(realpathSync(directory) + sep)) refuse('lies outside the model directory');
  const other = otherThanFile(statSync(path));
  if (other !== undefined) refuse(other);
}

/** The files beside errata.json that it names. */
export const namedFiles = ({ corpus, artefacts = {} }: ModelDefaults): readonly string[] => [
  ...(corpus === undefined ? [] : [corpus]),
  ...Object.values(artefacts),
];
