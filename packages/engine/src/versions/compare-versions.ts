// What changed from one stored version to another: norm and rank of each tensor, and the memories beside them.
import { compareVersions as compareViews } from '@errata/models';
import type { ParamsOf, ResultOf } from '../calls/index.ts';
import type { CallContext } from '../context.ts';
import type { OpenModel } from '../models/model-store.ts';

export async function compareVersions(
  open: OpenModel,
  { from, to, steps }: Omit<ParamsOf<'compareVersions'>, 'model'>,
  { signal }: CallContext,
): Promise<ResultOf<'compareVersions'>> {
  const { tensors, memories } = compareViews(await open.view(from), await open.view(to), { steps, signal });
  return {
    tensors: tensors.map(({ rank, shape, ...tensor }) => ({
      ...tensor,
      shape: [...shape],
      rank: rank === null ? null : { value: rank.value, at_least: rank.atLeast },
    })),
    memories: memories.map((memory) => ({ ...memory })),
  };
}
