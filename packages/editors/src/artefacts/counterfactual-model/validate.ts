// What a counterfactual model with its scope classifiers comes to on edits that it was not trained on, by either classifier.
import { createHash } from 'node:crypto';
import { decodeCounterfactual, heldCounterfactual, type Model, type ScopedRow, scopeOf } from '@errata/models';
import type { TrainingRecord } from '../../training/records.ts';
import type { Validation } from '../../training/train.ts';
import { validateMemory } from '../../training/validate-memory.ts';

/** As the authors have it; how many corrections are read together with a query, as the editor has it where nobody says. */
const [threshold, candidates] = [0.5, 8];

/** @param bytes the model as it would be stored @param records no two of one prompt */
export async function validate(
  model: Model,
  bytes: Uint8Array,
  records: readonly TrainingRecord[],
): Promise<Validation> {
  const encoder = createHash('sha256').update(bytes).digest('hex');
  const takeBack = model.contents.lend(encoder, bytes);
  try {
    const held = await heldCounterfactual(model, encoder);
    const { representation: r } = decodeCounterfactual(bytes).spec;
    const corrections = records.map(({ statement, reliability: { query } }) => ({
      prompt: query,
      target: statement.slice(query.length),
    }));
    const vectors = await held.edits(corrections);
    const by = (classifier: ScopedRow['classifier']) => {
      const rows = corrections.map(
        (correction, at): ScopedRow => ({
          encoder,
          ...correction,
          classifier,
          candidates,
          threshold,
          vector: vectors.subarray(at * r, (at + 1) * r),
        }),
      );
      return validateMemory(
        model,
        records,
        { kind: 'scoped_rows', rows },
        async (query) => (await scopeOf(rows, query, async () => held))?.row.prompt ?? null,
      );
    };
    const [byVectors, byPairs] = [await by('vectors'), await by('pairs')];
    await held.release();
    const paired = Object.fromEntries(Object.entries(byPairs).map(([name, value]) => [`pairs_${name}`, value]));
    return { ...byVectors, ...paired, score: (byVectors.score + byPairs.score) / 2 };
  } finally {
    takeBack();
  }
}
