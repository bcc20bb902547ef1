// errata.json: the settings and the corpus that a model directory may bring along.
import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { join, sep } from 'node:path';
import { ErrataError } from '@errata/contracts';
import { type ModelDefaults, modelDefaultsSchema } from '@errata/editors/catalogue';
import { otherThanFile } from '@errata/host';

export const defaultsFileName = 'errata.json';

/**
 * The settings a directory brings along; none where there is no errata.json.
 * @throws ErrataError `invalid_config`; `corpus_missing` where it names a corpus that is not there
 */
export function readDefaults(directory: string): ModelDefaults {
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
  if (parsed.data.corpus !== undefined) corpusPath(directory, parsed.data.corpus);
  return parsed.data;
}

/** The corpus that errata.json names: a file within the directory, reached by no link that leads out of it. */
function corpusPath(directory: string, corpus: string): string {
  const path = join(directory, corpus);
  const refuse = (why: string): never => {
    throw new ErrataError('corpus_missing', `the corpus ${JSON.stringify(corpus)} of ${defaultsFileName} ${why}`, {
      details: { corpus },
    });
  };
  if (!existsSync(path)) refuse('is not there');
  if (!realpathSync(path).startsWith(realpathSync(directory) + sep)) refuse('lies outside the model directory');
  const other = otherThanFile(statSync(path));
  if (other !== undefined) refuse(other);
  return path;
}
