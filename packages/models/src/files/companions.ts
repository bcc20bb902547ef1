// Files beside weights, config and tokenizer that belong to a model: a copy carries them, and they are no part of its digest.

import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { extname, join } from 'node:path';
import { ModelError } from '../errors.ts';
import type { FindFile } from './model-files.ts';

export const generationConfigName = 'generation_config.json';
export const chatTemplateName = 'chat_template.jinja';

/** Where transformers keeps further chat templates, each named for what it is used for. */
export const chatTemplateFolder = 'additional_chat_templates';

/** These are read too, so that one that cannot be is refused and not left behind. */
const known = [generationConfigName, chatTemplateName];

/** Texts that accompany a model: its card, settings of its processors, what its licence asks for. */
const accompanying = /\.(json|txt|md|model|jinja)$|^(licen[cs]e|notice|copying|readme|use_policy)[\w-]*$/i;

/** What is written anew, or belongs to weights in another form. */
const others = /^(config|adapter_config)\.json$|\.index\.json$|^\./;

/** A model's own settings. The files that they name are carried too. */
const ownSettings = 'errata.json';

/** Bounds of what is carried: bytes of a file and of all, and how many. */
const largestFile = 16 << 20;
const largestSum = 64 << 20;
const mostFiles = 64;

/** Whether a file by this name and of this size, in bytes, is a text that accompanies a model. */
export const accompanies = (name: string, size: number): boolean =>
  accompanying.test(name) && !others.test(name) && size <= largestFile;

/**
 * Names of the companions of a model directory, those in its folder of chat templates with the folder's. What leads out of the directory, is no
 * regular file or is larger than 16 MiB is left behind.
 * @param besides names that are carried anyway
 * @throws ModelError for generation_config.json or chat_template.jinja, as the finder
 */
export function findCompanions(directory: string, find: FindFile, besides: readonly string[]): readonly string[] {
  const folder = join(directory, chatTemplateFolder);
  const templates = existsSync(folder) && statSync(folder).isDirectory() ? readdirSync(folder) : [];
  const own = namedBySettings(find);
  const names = readdirSync(directory).filter((name) => accompanies(name, 0) || own?.includes(name));
  for (const name of templates) if (extname(name) === '.jinja') names.push(`${chatTemplateFolder}/${name}`);
  const found = known.filter((name) => find(name) !== undefined);
  let sum = 0;
  for (const name of names.sort()) {
    if (besides.includes(name) || known.includes(name)) continue;
    const size = sizeOf(name, find);
    if (size === undefined || size > largestFile || sum + size > largestSum || found.length === mostFiles) continue;
    sum += size;
    found.push(name);
  }
  // Settings that name a file which is not carried would be refused where they arrive.
  return found.filter((name) => name !== ownSettings || own?.every((each) => found.includes(each)));
}

function sizeOf(name: string, find: FindFile): number | undefined {
  try {
    return statSync(find(name)!).size;
  } catch (error) {
    if (error instanceof ModelError) return undefined;
    throw error;
  }
}

/** The files that a model's settings name; undefined where there are no settings, or none that can be read. */
function namedBySettings(find: FindFile): readonly string[] | undefined {
  try {
    const { corpus = [], artefacts = {} } = JSON.parse(readFileSync(find(ownSettings)!, 'utf8'));
    return [corpus, Object.values(artefacts)].flat();
  } catch {
    return undefined;
  }
}
