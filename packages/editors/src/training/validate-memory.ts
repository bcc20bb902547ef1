// What a memory comes to on edits that nothing was trained on: it holds all of them, and is served as it would be.
import type { Delta, Model } from '@errata/models';
import { requireTokenizer } from '../texts/tokenizer.ts';
import { agreement, askedOf, share } from './agreement.ts';
import { type Item, layOutItem, type TrainingRecord } from './records.ts';

/**
 * @param records no two of one prompt
 * @param memory the rows of all of them
 * @param foundFor the prompt of the row that a query is given; null where none is
 */
export async function validateMemory(
  model: Model,
  records: readonly TrainingRecord[],
  memory: Delta,
  foundFor: (query: string) => Promise<string | null>,
) {
  const [base, edited] = [model.view(), model.view([memory])];
  const items = records.map(askedOf);
  const of = (sort: 0 | 1 | 2): readonly Item[] => items.map((item) => item[sort]);
  const laidOut = (sort: 0 | 1 | 2) => of(sort).map((item) => layOutItem(requireTokenizer({ model }), item));
  const scored = (view: typeof base, sort: 0 | 1 | 2) =>
    view.score(laidOut(sort).map(({ promptIds, targetIds }) => ({ prompt: promptIds, target: targetIds })));
  const targets = (sort: 0 | 1 | 2) => laidOut(sort).map(({ targetIds }) => targetIds);
  const reliability = agreement(await scored(edited, 0), targets(0));
  const generality = agreement(await scored(edited, 1), targets(1));
  const before = await scored(base, 2);
  const locality = agreement(
    await scored(edited, 2),
    before.map(({ best }) => best),
  );
  const found = (sort: 0 | 1 | 2) => Promise.all(of(sort).map(({ query }) => foundFor(query)));
  const own = (sort: 0 | 1) =>
    found(sort).then((all) => share(all.map((prompt, at) => prompt === records[at]!.reliability.query)));
  return {
    score: (reliability + generality + locality) / 3,
    reliability,
    generality,
    locality,
    found: await own(0),
    found_reworded: await own(1),
    left_alone: share((await found(2)).map((prompt) => prompt === null)),
  };
}
