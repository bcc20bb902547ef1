// One step of training a gradient transform: updates made from gradients, and what these updates do.
import { float32Data, int32 } from '@errata/graph';
import { readFactors } from '../../hypernetworks/factors.ts';
import { outerFeeds, outerTerms } from '../../hypernetworks/outer-loss.ts';
import type { TransformInput, TransformStepper } from '../../hypernetworks/training.ts';
import { countFactors } from '../../hypernetworks/transform.ts';
import { factorFeeds, gradientName, transformFeeds, transformKey } from '../../hypernetworks/update.ts';
import { runPruned } from '../../search/programs.ts';
import { requireTokenizer } from '../../texts/tokenizer.ts';
import { itemSequence } from '../../training/records.ts';
import { outerGraph } from './losses.ts';
import type { TransformTraining } from './request.ts';

/** The edits of a batch, `edits_per_update` of them an update, are made from their own gradients; each is judged by a rephrasing and by what is to stay. */
export function transformStepper({
  model,
  spec,
  settings,
}: Pick<TransformInput<TransformTraining>, 'model' | 'spec' | 'settings'>): TransformStepper {
  const view = model.view();
  const tokenizer = requireTokenizer({ model });
  const { edit_weight, locality_weight, edits_per_update } = settings;
  const program = () =>
    view.program(`outer loss ${edit_weight} ${locality_weight} ${transformKey(spec)}`, (weight) =>
      outerGraph(spec, model.spec, weight, settings),
    );
  return async (weights, batch) => {
    const sequences = batch.map(({ reliability }) => itemSequence(tokenizer, reliability));
    const factors = await readFactors(view, spec, sequences);
    countFactors(weights, spec, factors);
    const { feeds, editOfRow } = await outerFeeds(view, tokenizer, batch);
    const updateOf = (edit: number) => Math.floor(edit / edits_per_update);
    const updatesOfTokens = factors.map(
      ({ edits, count }, index) => [`update_of_token ${index}`, int32([count], edits.map(updateOf))] as const,
    );
    const out = await runPruned(await program(), {
      ...feeds,
      ...transformFeeds(spec, weights),
      ...factorFeeds(spec, factors),
      ...Object.fromEntries(updatesOfTokens),
      update_of_row: int32([editOfRow.length], Int32Array.from(editOfRow, updateOf)),
    });
    const of = (name: string) => float32Data(out[name]!)[0]!;
    const gradients = new Map(
      [...spec.parameters.keys()].map((name) => [name, float32Data(out[gradientName(name)]!)] as const),
    );
    return {
      terms: { loss: of('loss'), ...Object.fromEntries(outerTerms.map((term) => [term, of(term)])) },
      gradients,
    };
  };
}
