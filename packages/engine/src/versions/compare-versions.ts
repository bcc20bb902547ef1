// What changed from one stored version to another: norm and rank of each tensor, and the codebooks beside them.
import { compareVersions as compareViews } from '@errata/models';
import type { ParamsOf, ResultOf } from '../calls/index.ts';
import type { CallContext } from '../context.ts';
import type { OpenModel } from '../models/model-store.ts';

export async function compareVersions(
  open: OpenModel,
  { from, to, steps }: Omit<ParamsOf<'compareVersions'>, 'model'>,
  { signal }: CallContext,
): Promise<ResultOf<'compareVersions'>> {
  const { tensors, codebooks } = compareViews(await open.view(from), await open.view(to), { steps, signal });
  return {
    tensors: tensors.map(({ rank, shape, ...tensor }) => ({
      ...tensor,
      shape: [...shape],
      rank: rank === null ? null : { value: rank.value, at_least: rank.atLeast },
    })),
    codebooks: codebooks.map((codebook) => ({ ...codebook })),
  };
}
