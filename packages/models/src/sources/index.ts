// Where a model comes from: the one function that turns a reference into an opened checkpoint, and the table of what it knows.

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { ModelError } from '../errors.ts';
import { adapterForm } from './adapter/index.ts';
import { directoryForm } from './directory.ts';
import { ggufForm } from './gguf/index.ts';
import type { LocalForm, OpenedModel, OpenOptions } from './source.ts';

/** The first that recognises what is there opens it. */
const localForms: readonly LocalForm[] = [ggufForm, adapterForm, directoryForm];

/**
 * Opens a model. Its checkpoint is to be closed when the weights have been read.
 * @param reference a path: a directory in Hugging Face layout, a GGUF file, or the directory of an adapter
 * @throws ModelError checkpoint_*, safetensors_*, tokenizer_*, gguf_*, adapter_*
 */
export const openModelSource = (reference: string, options: OpenOptions = {}): Promise<OpenedModel> =>
  openFrom(reference, process.cwd(), options);

async function openFrom(reference: string, from: string, options: OpenOptions): Promise<OpenedModel> {
  const path = resolve(from, reference);
  if (!existsSync(path)) {
    throw new ModelError('checkpoint_not_a_directory', {
      where: path,
      what: 'there is nothing there',
      hint: 'Give the folder that holds config.json, or a .gguf file',
    });
  }
  const form = localForms.find(({ recognises }) => recognises(path))!;
  // An adapter on an adapter has a base of its own.
  const { checkpoint, base } = await form.open(path, options, (other, start) => openFrom(other, start, {}));
  return { checkpoint, origin: [{ reference, format: form.format }, ...(base ?? [])] };
}
