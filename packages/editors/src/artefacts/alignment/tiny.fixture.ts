// An alignment of random numbers for tests, as large as one that was trained.
import { encodeChange, type Model } from '@errata/models';
import { alignmentTraining } from './request.ts';
import { alignmentAdapters } from './train.ts';

export function randomAlignment(model: Model, seed = 0): Uint8Array {
  const adapters = alignmentAdapters(model, alignmentTraining({ lora_rank: 2, seed }));
  const weights = new Map(
    adapters.parameters.map(({ name, values }) => [name, values.map((x, i) => x || Math.sin(i))]),
  );
  return encodeChange(
    model.digest!,
    adapters.deltasOf(weights).map(({ delta }) => delta),
  );
}
