// Which files of a repository are downloaded: what the model is read from and what accompanies it, and never a pickle.

import { ModelError } from '../../errors.ts';
import { accompanies } from '../../files/companions.ts';
import { tokenizerFileNames } from '../../text/load-tokenizer.ts';
import type { HubFile } from './client.ts';

const shard = /^model-\d+-of-\d+\.safetensors$/;
const isGguf = (name: string): boolean => /\.gguf$/i.test(name);

/** What a repository can be, first things first: the files of its weights. */
const forms: readonly ((files: readonly HubFile[]) => readonly HubFile[])[] = [
  (files) => files.filter(({ name }) => name === 'model.safetensors'),
  (files) =>
    files.some(({ name }) => name === 'model.safetensors.index.json')
      ? files.filter(({ name }) => shard.test(name))
      : [],
  (files) => files.filter(({ name }) => shard.test(name)),
  (files) => files.filter(({ name }) => name === 'adapter_model.safetensors'),
];

const named = ['config.json', 'adapter_config.json', 'model.safetensors.index.json', ...tokenizerFileNames];

/** What is downloaded. */
export interface Wanted {
  readonly files: readonly HubFile[];
  /** The GGUF file that is the model; undefined where the directory is. */
  readonly gguf: string | undefined;
}

/**
 * @param file the GGUF file that was named
 * @throws ModelError hub_no_weights
 */
export function wantedFiles(where: string, files: readonly HubFile[], file: string | undefined): Wanted {
  const fail = (what: string, hint: string): never => {
    throw new ModelError('hub_no_weights', { where, what, hint });
  };
  const ggufs = files.filter(({ name }) => isGguf(name));
  const choices = ggufs
    .map(({ name }) => name)
    .slice(0, 20)
    .join(', ');
  if (file !== undefined) {
    const found = files.filter(({ name }) => name === file);
    if (found.length === 0)
      fail(`it has no file ${file}`, choices === '' ? 'It has no GGUF file' : `It has ${choices}`);
    return { files: found, gguf: file };
  }
  const weights = forms.map((form) => form(files)).find((found) => found.length > 0);
  if (weights !== undefined) {
    const beside = files.filter(({ name, size }) => named.includes(name) || accompanies(name, size));
    return { files: [...beside, ...weights], gguf: undefined };
  }
  if (ggufs.length === 1) return { files: ggufs, gguf: ggufs[0]!.name };
  if (ggufs.length > 1) fail(`it has ${ggufs.length} GGUF files`, `Name one behind a slash: ${choices}`);
  return files.some(({ name }) => /\.(bin|pt|pth|ckpt)$/.test(name))
    ? fail(
        'its weights are pickled; loading a pickle can run code, so they are not read',
        'Take a revision with safetensors, or convert them once with transformers',
      )
    : fail('it has no weights in safetensors or GGUF form', 'Choose another repository');
}
