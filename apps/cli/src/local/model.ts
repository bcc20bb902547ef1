// A model opened in this process, for the commands that need no service.
import { ErrataError } from '@errata/contracts';
import { asErrataError, requireMemory } from '@errata/engine';
import type { Checkpoint, Model, OpenedModel, openModelSource, Tokenizer } from '@errata/models';
import type { GivenModel } from '../arguments/model-source.ts';
import { bar, progressLine, warn } from '../output/output.ts';

/** What this process may use: as it is told, else what the machine, or the container, has left. */
function memoryBudget({ ENGINE_MEMORY_MB: told }: NodeJS.ProcessEnv = process.env) {
  const left = Math.floor((process.memoryUsage.rss() + process.availableMemory()) / 2 ** 20);
  if (!told) return { mb: left, advice: 'free some, or take a smaller model' };
  const mb = Number(told);
  if (!Number.isSafeInteger(mb) || mb < 64)
    throw new ErrataError('invalid_request', `ENGINE_MEMORY_MB is "${told}": give MiB, 64 or more`);
  return { mb, advice: 'raise ENGINE_MEMORY_MB' };
}

export interface LocalModel {
  readonly checkpoint: Checkpoint;
  /** What it was given as, then what that was merged onto. */
  readonly origin: OpenedModel['origin'];
  readonly model: Model;
  /** @throws ErrataError `tokenizer_missing` */
  tokenizer(): Tokenizer;
}

/** Opens a model, telling of what is downloaded meanwhile. */
async function opened({ model, base }: GivenModel, open: typeof openModelSource): Promise<OpenedModel> {
  const line = progressLine();
  try {
    return await open(model, { base, onProgress: ({ stage, done, total }) => line.update(stage, bar(done, total)) });
  } finally {
    line.done();
  }
}

/**
 * Opens a model for the length of `work`. The numerical runtime is loaded here and not with the command line,
 * which should answer `--help` at once. Remarks on the model go to stderr.
 * @throws ErrataError `insufficient_memory` before anything is loaded; in the words of the catalogue, whatever reading or running the model throws
 */
export async function withModel<T>(given: GivenModel, work: (local: LocalModel) => Promise<T>): Promise<T> {
  const { decoderSpec, openModel, openModelSource, parameterCount, remarksOn, workingBytes } = await import(
    '@errata/models'
  );
  try {
    const { checkpoint, origin } = await opened(given, openModelSource);
    try {
      const parameters = parameterCount(decoderSpec(checkpoint.config, checkpoint.tensors.names));
      requireMemory({ parameters, mb: Math.ceil(workingBytes(parameters) / 2 ** 20) }, memoryBudget());
      const model = openModel(checkpoint);
      for (const remark of remarksOn(model.spec, checkpoint)) warn(remark);
      const tokenizer = () => {
        if (model.tokenizer !== undefined) return model.tokenizer;
        throw new ErrataError('tokenizer_missing', `${given.model} has no tokenizer`);
      };
      try {
        return await work({ checkpoint, origin, model, tokenizer });
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
