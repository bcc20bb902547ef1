// Reads what was changed of a model elsewhere, and keeps it as deltas with the digest of the files that it came from.
import { ErrataError } from '@errata/contracts';
import { type ChangeDelta, decodeChange, encodeChange, identifyChange, ModelError, readChange } from '@errata/models';
import type { ArtefactBuilder, BuildInput } from '../builder.ts';
import type { WeightChangeFields } from './request.ts';

export const builder: ArtefactBuilder<readonly ChangeDelta[]> = {
  async parameters(needs, input) {
    const { digest: source, format: form } = await withPath(input, identifyChange);
    return needs.map(() => ({ source, form }));
  },

  async *build(needs, input, { signal }) {
    const [bytes, details] = await withPath(input, async (from) => {
      const { files } = await identifyChange(from);
      const deltas = await readChange(from, input.model, signal);
      const tensors = deltas.map((delta) => ({
        tensor: delta.tensor,
        rank: delta.kind === 'low_rank' ? delta.rank : null,
      }));
      return [encodeChange(input.digest, deltas), { from, files, tensors }] as const;
    });
    yield* needs.map(() => ({ bytes, details }));
  },

  decode(bytes, { model }) {
    const change = decodeChange(bytes);
    if (change.model === model) return change.deltas;
    throw new ErrataError('artefact_missing', 'the change is one of another model');
  },
};

/** @throws ErrataError `artefact_missing` where no files are named, `invalid_request` where they are no change of the model */
async function withPath<T>({ request }: BuildInput, work: (from: string) => Promise<T>): Promise<T> {
  const { from }: WeightChangeFields = request;
  if (from === undefined)
    throw new ErrataError(
      'artefact_missing',
      'there is no such change of this model. Give the files that it is made of: errata artefact build MODEL --kind weight_change --from DIR, or errata edit --from DIR',
      { details: { kind: 'weight_change' } },
    );
  try {
    return await work(from);
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    const message = `what was changed elsewhere, ${from}, cannot be taken: ${error.message}`;
    throw new ErrataError('invalid_request', message, { details: { from }, cause: error });
  }
}
