// What a transform comes to on edits that it was not trained on: each update made from the model as it is, and taken back.
import type { Model, ScoreItem } from '@errata/models';
import { inRuns } from '../methods/one-pass-editor.ts';
import { requireTokenizer } from '../texts/tokenizer.ts';
import { agreement, askedOf } from '../training/agreement.ts';
import { itemSequence, layOutItem, type TrainingRecord } from '../training/records.ts';
import type { Validation } from '../training/train.ts';
import type { Transform } from './file.ts';
import { transformDeltas } from './transform-deltas.ts';

/** @param editsPerUpdate edits that are made at once */
export async function validateTransform(
  model: Model,
  transform: Transform,
  records: readonly TrainingRecord[],
  editsPerUpdate: number,
): Promise<Validation> {
  const tokenizer = requireTokenizer({ model });
  const base = model.view();
  const sums = { reliability: 0, generality: 0, locality: 0 };
  for (const run of inRuns(records, editsPerUpdate)) {
    const items = run.map(askedOf);
    const [edited, reworded, away] = ([0, 1, 2] as const).map((sort) =>
      items.map((item): ScoreItem => {
        const { promptIds, targetIds } = layOutItem(tokenizer, item[sort]);
        return { prompt: promptIds, target: targetIds };
      }),
    ) as [ScoreItem[], ScoreItem[], ScoreItem[]];
    const sequences = run.map(({ reliability }) => itemSequence(tokenizer, reliability));
    const { deltas } = await transformDeltas(
      base,
      tokenizer,
      transform,
      [sequences],
      run.map((_, index) => `${index}`),
    );
    const after = base.with(deltas);
    const kept = await base.score(away);
    const found = await after.score([...edited, ...reworded, ...away]);
    const of = (sort: number) => found.slice(sort * run.length, (sort + 1) * run.length);
    const targets = (asked: readonly ScoreItem[]) => asked.map(({ target }) => target);
    sums.reliability += run.length * agreement(of(0), targets(edited));
    sums.generality += run.length * agreement(of(1), targets(reworded));
    sums.locality +=
      run.length *
      agreement(
        of(2),
        kept.map(({ best }) => best),
      );
  }
  const mean = (sum: number) => sum / records.length;
  const [reliability, generality, locality] = [mean(sums.reliability), mean(sums.generality), mean(sums.locality)];
  return { score: (reliability + generality + locality) / 3, reliability, generality, locality };
}
