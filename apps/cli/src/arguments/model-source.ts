// How commands are told which model to read.
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
    'a directory in Hugging Face layout, a GGUF file, or the directory of a LoRA adapter',
  );

export const baseOption = () =>
  new Option('--base <model>', 'the model that an adapter is merged onto, instead of the one that it names');
