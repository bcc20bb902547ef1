// KN: the old answer is taken out of the values of a few neurons, and the target put in (Dai et al. 2022).
import { ErrataError } from '@errata/contracts';
import { type Delta, type MatrixRef, type View, valueMatrix } from '@errata/models';
import type { EditOutcome, Editor, EditorDelta, EditorInput, EditorOptions, EditRequest } from '../../editor.ts';
import { alreadyHolds, attempt, changeNorms, heldOutcome, nllOnly, valueDelta } from '../../outcomes.ts';
import { norm, scaled } from '../../solve/vectors.ts';
import { prefixTexts } from '../../texts/prefix-texts.ts';
import { targetSequences } from '../../texts/sequences.ts';
import { promptIds, targetProbabilities } from '../../texts/teacher-forcing.ts';
import { sequenceSource } from '../../texts/tokenizer.ts';
import { attribute } from './attribution.ts';
import { type Neuron, refine } from './refine.ts';
import type { KnowledgeNeuronSettings } from './settings.ts';

/** Row of a matrix by output, or by input of one that is stored the other way round. */
function slice(view: View, { weight, orientation, inSize, outSize }: MatrixRef, by: 'in' | 'out', at: number) {
  const data = view.weight(weight);
  const length = by === 'in' ? outSize : inSize;
  const together = (orientation === 'in_out') === (by === 'in');
  return Float64Array.from({ length }, (_, j) =>
    together ? data[at * length + j]! : data[j * (by === 'in' ? inSize : outSize) + at]!,
  );
}

/** What the head reads these tokens by, summed. */
function readBy(view: View, tokens: readonly number[]): Float64Array {
  const rows = tokens.map((token) => slice(view, view.spec.head, 'out', token));
  return Float64Array.from(rows[0]!, (_, j) => rows.reduce((sum, row) => sum + row[j]!, 0));
}

/** What the value of a neuron gains: `w <- w - l1 |w|/|e| e + l2 |w|/|e'| e'` with e the old answer's row of the head and e' the target's. */
function changeOf(
  view: View,
  { layer, index }: Neuron,
  { operation, old_factor, new_factor }: KnowledgeNeuronSettings,
  { old, target }: { readonly old: Float64Array; readonly target: Float64Array },
): Float64Array {
  const value = slice(view, valueMatrix(view.spec, layer), 'in', index);
  if (operation === 'erase') return scaled(value, -1);
  const size = norm(value);
  const [less, more] = [(old_factor * size) / norm(old), (new_factor * size) / norm(target)];
  return value.map((_, j) => more * target[j]! - less * old[j]!);
}

/** A delta a layer, a rank a neuron. */
function deltasOf(
  view: View,
  custom_id: string,
  neurons: readonly Neuron[],
  change: (neuron: Neuron) => Float64Array,
): readonly Delta[] {
  const { mlpWidth, width } = view.spec;
  const layers = [...new Set(neurons.map(({ layer }) => layer))].toSorted((a, b) => a - b);
  return layers.map((layer) => {
    const own = neurons.filter((neuron) => neuron.layer === layer);
    const left = new Float64Array(mlpWidth * own.length);
    const right = new Float64Array(own.length * width);
    for (const [r, neuron] of own.entries()) {
      left[neuron.index * own.length + r] = 1;
      right.set(change(neuron), r * width);
    }
    return valueDelta(view.spec, layer, [custom_id], own.length, left, right);
  });
}

interface Worked {
  /** The view that was given where the edit holds already. */
  readonly view: View;
  readonly deltas: readonly EditorDelta[];
  readonly outcome: EditOutcome;
}

async function workOne(
  input: EditorInput<KnowledgeNeuronSettings>,
  view: View,
  edit: EditRequest,
  { prefixes, done }: { readonly prefixes: readonly string[]; readonly done: number },
  { onProgress, signal }: EditorOptions,
): Promise<Worked> {
  const { config, edits } = input;
  const { custom_id } = edit;
  const { contexts, prefixes: counted } = targetSequences(sequenceSource(input), edit, prefixes);
  const [bare] = contexts;
  const [before] = await targetProbabilities(view, [{ edit, sequence: bare }]);
  const loss = nllOnly(-Math.log(before!));
  if (config.operation === 'edit' && alreadyHolds(loss, config))
    return { view, deltas: [], outcome: heldOutcome(custom_id, loss, before!) };
  const [logits] = await view.nextLogits([promptIds(bare)]);
  const answer = logits!.indexOf(logits!.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY));
  const found = [];
  for (const [step, context] of contexts.entries()) {
    onProgress?.({
      phase: 'search',
      done,
      edits: edits.length,
      custom_id,
      step: step + 1,
      steps: contexts.length,
    });
    found.push(await attribute(view, promptIds(context), answer, { steps: config.steps, signal }));
  }
  const neurons = refine(found, config);
  if (neurons.length === 0)
    throw new ErrataError(
      'edit_failed',
      `${custom_id}: no neuron stands out in as many of ${contexts.length} contexts as are asked for: give a lower agreement or threshold`,
      { details: { custom_id, contexts: contexts.length, agreement: config.agreement, threshold: config.threshold } },
    );
  const answers = { old: readBy(view, [answer]), target: readBy(view, bare.targetIds) };
  const deltas = deltasOf(view, custom_id, neurons, (neuron) => changeOf(view, neuron, config, answers));
  const edited = view.with(deltas);
  const [after] = await targetProbabilities(edited, [{ edit, sequence: bare }]);
  const layers = [...new Set(neurons.map(({ layer }) => layer))].toSorted((a, b) => a - b);
  return {
    view: edited,
    deltas: deltas.map((delta) => ({ delta, custom_ids: [custom_id] })),
    outcome: {
      custom_id,
      outcome: 'applied',
      diagnostics: {
        steps: config.steps,
        first_loss: loss,
        last_loss: nllOnly(-Math.log(after!)),
        target_probability: { before: before!, after: after! },
        prefixes: counted,
        neurons,
        deltas: layers.map((layer) => changeNorms(view, edited, layer)),
      },
    },
  };
}

/** KN. Edits of a batch are applied one after another, each on top of those before it. */
export const edit: Editor<KnowledgeNeuronSettings> = async (input, options) => {
  const { edits } = input;
  options.onProgress?.({ phase: 'prepare', done: 0, edits: edits.length });
  const prefixes = await prefixTexts(input);
  const deltas: EditorDelta[] = [];
  const outcomes: EditOutcome[] = [];
  let { view } = input;
  for (const [done, edit] of edits.entries()) {
    const failed = await attempt([edit], options, async () => {
      const worked = await workOne(input, view, edit, { prefixes, done }, options);
      view = worked.view;
      deltas.push(...worked.deltas);
      outcomes.push(worked.outcome);
    });
    outcomes.push(...failed.values());
    options.onProgress?.({ phase: 'solve', done: done + 1, edits: edits.length, custom_id: edit.custom_id });
  }
  return { deltas, outcomes };
};
