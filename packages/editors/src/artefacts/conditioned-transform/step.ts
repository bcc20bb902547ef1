// One step of training a conditioned transform: edits made as it reads them, and how far from the margin what they leave alone has moved.
import { add, float32Data, gradients, input, int32, mul, reshape, type Tensor } from '@errata/graph';
import type { DecoderSpec, WeightSource } from '@errata/models';
import {
  conditionedFactors,
  isReaders,
  multiplierName,
  readConditions,
  readEdits,
  readEditsBack,
  readFeeds,
  readInput,
} from '../../hypernetworks/conditioned.ts';
import { readFactors } from '../../hypernetworks/factors.ts';
import { outerFeeds, outerTermsOf, updatingTap } from '../../hypernetworks/outer-loss.ts';
import type { TransformInput, TransformStepper } from '../../hypernetworks/training.ts';
import type { TransformSpec } from '../../hypernetworks/transform.ts';
import {
  factorFeeds,
  factorInputs,
  gradientName,
  transformFeeds,
  transformInputs,
  transformKey,
} from '../../hypernetworks/update.ts';
import { runPruned } from '../../search/programs.ts';
import { requireTokenizer } from '../../texts/tokenizer.ts';
import { itemSequence } from '../../training/records.ts';
import type { ConditionedTraining } from './request.ts';

/** By how much the margin falls, and the share of edits that has to hold for that. */
const fall = 0.8;
const enough = 0.9;

/** What the divergence may come to by now. */
export const marginAfter = (
  validations: readonly Readonly<Record<string, number>>[],
  { largest_margin, smallest_margin }: Pick<ConditionedTraining, 'largest_margin' | 'smallest_margin'>,
): number =>
  Math.max(
    smallest_margin,
    largest_margin * fall ** validations.filter(({ reliability = 0 }) => reliability > enough).length,
  );

/** Parameters whose gradients the graph has: not the reader's, nor the multiplier's, which climbs by what the divergence is over the margin. */
const networkParameters = ({ parameters }: TransformSpec): readonly string[] =>
  [...parameters.keys()].filter((name) => name !== multiplierName && !isReaders(name));

function conditionedGraph(
  spec: TransformSpec,
  decoder: DecoderSpec,
  weight: WeightSource,
  smoothing: number,
): Readonly<Record<string, Tensor>> {
  const own = transformInputs(spec);
  const read = readInput(spec.rank);
  const factorsOf = conditionedFactors(spec, own, read);
  const updateOfEdit = input('update_of_edit', 'int32', ['Q']);
  const tap = updatingTap(spec.maps, (index) => {
    const given = factorInputs(spec, index);
    return {
      ...factorsOf(index, given.x, given.d, given.edits),
      updates: [input(`update_of_token ${index}`, 'int32', [given.count]), updateOfEdit],
    };
  });
  const { generality, locality } = outerTermsOf(decoder, weight, tap, smoothing);
  const names = networkParameters(spec);
  const loss = add(generality, mul(locality, reshape(own(multiplierName), [])));
  const [ofRead, ...slopes] = gradients(loss, [read, ...names.map(own)]);
  return {
    generality,
    locality,
    [gradientName('read')]: ofRead!,
    ...Object.fromEntries(names.map((name, index) => [gradientName(name), slopes[index]!])),
  };
}

/**
 * The edits of a batch, `edits_per_update` of them an update, are made as they are read; each is judged by itself and a rephrasing, and by what is to
 * stay. The loss is the first, with the multiplier times what the second is over the margin; the multiplier, which stays above zero, goes up its slope
 * (De Cao et al. 2021, equation 5).
 */
export function conditionedStepper({
  model,
  spec,
  settings,
}: Pick<TransformInput<ConditionedTraining>, 'model' | 'spec' | 'settings'>): TransformStepper {
  const view = model.view();
  const tokenizer = requireTokenizer({ model });
  const { smoothing, edits_per_update } = settings;
  return async (weights, batch, validations) => {
    const multiplier = weights.get(multiplierName)!;
    multiplier[0] = Math.max(0, multiplier[0]!);
    const sequences = batch.map(({ reliability }) => itemSequence(tokenizer, reliability));
    const factors = await readFactors(view, spec, sequences);
    const readings = readEdits(weights, await readConditions(view, tokenizer, sequences));
    const { feeds, editOfRow } = await outerFeeds(view, tokenizer, batch, ['reliability', 'generality']);
    const updateOf = (edit: number) => Math.floor(edit / edits_per_update);
    const updatesOfTokens = factors.map(
      ({ edits, count }, index) => [`update_of_token ${index}`, int32([count], edits.map(updateOf))] as const,
    );
    const program = await view.program(`conditioned loss ${smoothing} ${transformKey(spec)}`, (weight) =>
      conditionedGraph(spec, model.spec, weight, smoothing),
    );
    const out = await runPruned(program, {
      ...feeds,
      ...transformFeeds(spec, weights),
      ...factorFeeds(spec, factors),
      ...readFeeds(readings),
      ...Object.fromEntries(updatesOfTokens),
      update_of_edit: int32(
        [batch.length],
        Int32Array.from(batch, (_, edit) => updateOf(edit)),
      ),
      update_of_row: int32([editOfRow.length], Int32Array.from(editOfRow, updateOf)),
    });
    const of = (name: string) => float32Data(out[name]!)[0]!;
    const [generality, locality] = [of('generality'), of('locality')];
    const over = locality - marginAfter(validations, settings);
    const slopes = new Map<string, Float32Array>(
      [...spec.parameters].map(([name, dims]) => [name, new Float32Array(dims.reduce((a, b) => a * b))]),
    );
    for (const name of networkParameters(spec)) slopes.set(name, float32Data(out[gradientName(name)]!));
    readEditsBack(weights, readings, float32Data(out[gradientName('read')]!), slopes);
    slopes.set(multiplierName, Float32Array.of(-over));
    return {
      terms: { loss: generality + multiplier[0]! * over, generality, locality, multiplier: multiplier[0]! },
      gradients: slopes,
    };
  };
}
