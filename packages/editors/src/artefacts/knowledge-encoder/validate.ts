// What a knowledge encoder comes to on edits that it was not trained on: served from a memory that holds all of them, as it would be.
import { createHash } from 'node:crypto';
import { decodeKnowledgeEncoder, foundRow, heldKnowledgeEncoder, type Model, type PromptRow } from '@errata/models';
import { requireTokenizer } from '../../texts/tokenizer.ts';
import { agreement, askedOf, share } from '../../training/agreement.ts';
import { type Item, layOutItem, type TrainingRecord } from '../../training/records.ts';
import type { Validation } from '../../training/train.ts';

/** @param bytes the encoder as it would be stored @param records no two of one prompt */
export async function validate(
  model: Model,
  bytes: Uint8Array,
  records: readonly TrainingRecord[],
): Promise<Validation> {
  const encoder = createHash('sha256').update(bytes).digest('hex');
  const takeBack = model.contents.lend(encoder, bytes);
  try {
    const held = await heldKnowledgeEncoder(model, encoder);
    const { representations, prompts } = await held.statements(records.map(({ statement }) => statement));
    const { representation: r, promptTokens, promptWidth } = decodeKnowledgeEncoder(bytes).spec;
    const p = promptTokens * promptWidth;
    const rows = records.map(
      ({ reliability, statement }, at): PromptRow => ({
        encoder,
        prompt: reliability.query,
        text: statement,
        threshold: null,
        gives: 'prompts',
        representation: representations.subarray(at * r, (at + 1) * r),
        prompts: prompts.subarray(at * p, (at + 1) * p),
      }),
    );
    const [base, edited] = [model.view(), model.view([{ kind: 'prompt_rows', rows, renewed: [] }])];
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
    const found = (sort: 0 | 1 | 2) =>
      Promise.all(of(sort).map(async ({ query }) => (await foundRow(rows, query, async () => held))?.row ?? null));
    const own = (sort: 0 | 1) =>
      found(sort).then((all) => share(all.map((row, at) => row?.prompt === rows[at]!.prompt)));
    const result = {
      score: (reliability + generality + locality) / 3,
      reliability,
      generality,
      locality,
      found: await own(0),
      found_reworded: await own(1),
      left_alone: share((await found(2)).map((row) => row === null)),
    };
    await held.release();
    return result;
  } finally {
    takeBack();
  }
}
