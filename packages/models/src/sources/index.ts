// Where a model comes from: the one function that turns a reference into an opened checkpoint, and the table of what it knows.

import { existsSync } from 'node:fs';
import { ModelError } from '../errors.ts';
import { adapterForm } from './adapter/index.ts';
import { directoryForm } from './directory.ts';
import { ggufForm } from './gguf/index.ts';
import { type Reference, readHubName, readReference, writtenHubName } from './reference.ts';
import type { LocalForm, OpenedModel, OpenOptions } from './source.ts';

export { absoluteReference } from './reference.ts';

/** The first that recognises what is there opens it. */
const localForms: readonly LocalForm[] = [ggufForm, adapterForm, directoryForm];

/**
 * Opens a model. Its checkpoint is to be closed when the weights have been read.
 * @param reference a path (a directory in Hugging Face layout, a GGUF file, or the directory of an adapter) or a name on the hub
 * @throws ModelError checkpoint_*, safetensors_*, tokenizer_*, gguf_*, adapter_*, hub_*; what the signal gives as its reason
 */
export const openModelSource = async (reference: string, options: OpenOptions = {}): Promise<OpenedModel> =>
  openReference(reference, readReference(reference, process.cwd()), options);

async function openReference(text: string, reference: Reference, options: OpenOptions): Promise<OpenedModel> {
  const { path, commit } = await onThisMachine(reference, options);
  if (!existsSync(path)) {
    throw new ModelError('checkpoint_not_a_directory', {
      where: path,
      what: 'there is nothing there',
      hint: 'Give the folder that holds config.json, a .gguf file, or hf:ORG/NAME',
    });
  }
  const form = localForms.find(({ recognises }) => recognises(path))!;
  const openOther = async (other: string, by: 'user' | 'model'): Promise<OpenedModel> => {
    const from = by === 'user' ? process.cwd() : path;
    const needed = by === 'model' && commit !== undefined ? readHubName(other) : readReference(other, from);
    // An adapter on an adapter has a base of its own.
    return openReference(other, needed, { ...options, base: undefined });
  };
  const { checkpoint, base = [] } = await form.open(path, options, openOther);
  const origin = { reference: text, format: form.format, ...(commit !== undefined && { commit }) };
  return { checkpoint, origin: [origin, ...base] };
}

/** Where a reference leads on this machine, whither a model of the hub is brought first. */
async function onThisMachine(reference: Reference, options: OpenOptions): Promise<{ path: string; commit?: string }> {
  if (reference.kind === 'path') return reference;
  if (options.hub === false) {
    throw new ModelError('hub_disabled', {
      where: writtenHubName(reference.name),
      what: 'models of the hub are not to be had here',
      hint: 'Give a path, or ask whoever runs this service to set HUB_IMPORTS=on',
    });
  }
  const { fetchFromHub } = await import('./hub/index.ts');
  return fetchFromHub(reference.name, options);
}
