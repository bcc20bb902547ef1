// How commands are told which model to read.
import { asErrataError } from '@errata/engine';
import { Option } from 'commander';

/** What says which model a command reads. */
export interface GivenModel {
  readonly model: string;
  readonly base?: string;
}

/** A model that is read in this process. */
export const modelOption = () =>
  new Option(
    '-m, --model <model>',
    'a directory in Hugging Face layout, a GGUF file, the directory of a LoRA adapter, or hf:ORG/NAME',
  );

export const baseOption = () =>
  new Option('--base <model>', 'the model that an adapter is merged onto, instead of the one that it names');

/**
 * What was given as a model, as it is understood anywhere on this machine.
 * @param from where relative paths begin
 * @throws ErrataError `invalid_request` for what is no name of a model
 */
export async function absoluteModel(given: string, from?: string): Promise<string> {
  const { absoluteReference } = await import('@errata/models');
  try {
    return absoluteReference(given, from);
  } catch (thrown) {
    throw asErrataError(thrown);
  }
}
