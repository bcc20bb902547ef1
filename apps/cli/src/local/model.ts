// A model opened in this process, for the commands that need no service.
import { ErrataError } from '@errata/contracts';
import { asErrataError } from '@errata/engine';
import type { Checkpoint, Model, Tokenizer } from '@errata/models';
import type { GivenModel } from '../arguments/model-source.ts';

export interface LocalModel {
  readonly checkpoint: Checkpoint;
  readonly model: Model;
  /** @throws ErrataError `tokenizer_missing` */
  tokenizer(): Tokenizer;
}

/**
 * Opens a model for the length of `work`. The numerical runtime is loaded here and not with the command line,
 * which should answer `--help` at once.
 * @throws ErrataError in the words of the catalogue, whatever reading or running the model throws
 */
export async function withModel<T>(given: GivenModel, work: (local: LocalModel) => Promise<T>): Promise<T> {
  const { openModel, openModelSource } = await import('@errata/models');
  try {
    const { checkpoint } = await openModelSource(given.model, { base: given.base });
    try {
      const model = openModel(checkpoint);
      const tokenizer = () => {
        if (model.tokenizer !== undefined) return model.tokenizer;
        throw new ErrataError('tokenizer_missing', `${given.model} has no tokenizer`);
      };
      try {
        return await work({ checkpoint, model, tokenizer });
      } finally {
        await model.release();
      }
    } finally {
      checkpoint.close();
    }
  } catch (thrown) {
    throw asErrataError(thrown);
  }
}
