// Given: the change is installed whole, and answers for all the edits that it came with, whether they held before or not.
import { ErrataError } from '@errata/contracts';
import type { ChangeDelta, Model, View } from '@errata/models';
import { builder } from '../../artefacts/weight-change/build.ts';
import { weightChangeOf } from '../../artefacts/weight-change/request.ts';
import type { EditOutcome, Editor } from '../../editor.ts';
import { nllOnly } from '../../outcomes.ts';
import { layOutEdit, targetProbabilities } from '../../texts/teacher-forcing.ts';
import { sequenceSource } from '../../texts/tokenizer.ts';
import type { GivenSettings } from './settings.ts';

export const edit: Editor<GivenSettings> = async (input, { onProgress, signal }) => {
  const { model, view, edits, config, artefacts } = input;
  if (config.change === null)
    throw new ErrataError(
      'invalid_config',
      'no change is named: read one with errata artefact build MODEL --kind weight_change --from DIR, and name its digest (change), or use errata edit --from DIR',
    );
  const read = await artefacts.read(builder, weightChangeOf(config.change));
  const deltas = config.onto === 'difference' ? read : towards(model, view, read);
  if (deltas.length === 0) throw new ErrataError('zero_delta', 'the version has these weights already');
  const custom_ids = edits.map(({ custom_id }) => custom_id);
  const source = sequenceSource(input);
  const laidOut = edits.map((each) => layOutEdit(source, each));
  const before = await targetProbabilities(view, laidOut);
  signal?.throwIfAborted();
  const after = await targetProbabilities(view.with(deltas), laidOut);
  onProgress?.({ phase: 'solve', done: edits.length, edits: edits.length });
  const outcomes = custom_ids.map((custom_id, index): EditOutcome => {
    const [was, is] = [before[index]!, after[index]!];
    return {
      custom_id,
      outcome: 'applied',
      diagnostics: {
        steps: 0,
        first_loss: nllOnly(-Math.log(was)),
        last_loss: nllOnly(-Math.log(is)),
        target_probability: { before: was, after: is },
        deltas: [],
      },
    };
  });
  return { deltas: deltas.map((delta) => ({ delta, custom_ids })), outcomes };
};

/** What makes the weights of a version those of a copy: of its edits, what the copy has not, is taken out. */
function towards(model: Model, view: View, change: readonly ChangeDelta[]): readonly ChangeDelta[] {
  const products = change.filter(({ kind }) => kind === 'low_rank');
  if (products.length > 0) return change;
  const changed = new Map(change.flatMap((delta) => (delta.kind === 'dense' ? [[delta.tensor, delta.data]] : [])));
  return [...model.spec.parameters.keys()].flatMap((tensor): ChangeDelta[] => {
    const [base, now, added] = [model.base(tensor), view.weight(tensor), changed.get(tensor)];
    if (added === undefined && now === base) return [];
    const data = now.map((value, i) => base[i]! + (added?.[i] ?? 0) - value);
    return data.some((value) => value !== 0) ? [{ kind: 'dense', tensor, data }] : [];
  });
}
