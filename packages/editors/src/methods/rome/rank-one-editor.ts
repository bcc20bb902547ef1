// What ROME, r-ROME and p-ROME share: one fact, one rank-one update of one MLP, by a choice of keys.
import type { View } from '@errata/models';
import { builder as secondMoments } from '../../artefacts/second-moment/build.ts';
import { secondMomentOf } from '../../artefacts/second-moment/request.ts';
import type { EditOutcome, Editor, EditorDelta, EditorInput, EditorOptions, EditRequest } from '../../editor.ts';
import { attempt, changeNorms, heldOutcome, valueDelta } from '../../outcomes.ts';
import { prepareSearch, requireFound, type SubjectActivations, searchValues } from '../../search/value-search.ts';
import { rankOneUpdate } from '../../solve/rank-one.ts';
import { prefixTexts } from '../../texts/prefix-texts.ts';
import { editSequences } from '../../texts/sequences.ts';
import { sequenceSource } from '../../texts/tokenizer.ts';
import type { RomeSettings } from './settings.ts';

/** The keys that an update solves with and is scaled by, and the change of value asked at the latter. */
export type KeyChoice = (
  activations: SubjectActivations,
  offset: Float64Array,
) => { readonly solveKey: Float64Array; readonly scaleKey: Float64Array; readonly change: Float64Array };

interface Worked {
  /** The view that was given where the edit holds already. */
  readonly view: View;
  readonly deltas: readonly EditorDelta[];
  readonly outcome: EditOutcome;
}

async function workOne(
  input: EditorInput<RomeSettings>,
  view: View,
  edit: EditRequest,
  done: number,
  keysOf: KeyChoice,
  inverse: Float64Array | null,
  prefixes: readonly string[],
  { onProgress, signal }: EditorOptions,
): Promise<Worked> {
  const { config } = input;
  const { layer } = config;
  const sequences = editSequences(sequenceSource(input), edit, prefixes);
  const prepared = await prepareSearch(view, { layer, site: 'mlp_out' }, [sequences]);
  const searched = await searchValues(view, [prepared], config, {
    signal,
    onStep: (_, step, loss) =>
      onProgress?.({
        phase: 'search',
        done,
        edits: input.edits.length,
        custom_id: edit.custom_id,
        layer,
        step,
        steps: config.steps,
        loss,
      }),
  });
  const found = searched[0]!;
  const { custom_id } = edit;
  const [probability] = found.probabilities;
  if (found.holds) return { view, deltas: [], outcome: heldOutcome(custom_id, found.first, probability!.before) };
  requireFound([custom_id], found);
  const update = rankOneUpdate({ ...keysOf(prepared.activations[0]!, found.offset), inverse });
  const delta = valueDelta(view.spec, layer, [custom_id], 1, update.keySide, update.valueSide);
  const edited = view.with([delta]);
  const diagnostics = {
    steps: found.steps,
    first_loss: found.first,
    last_loss: found.last,
    target_probability: probability!,
    value_norms: { offset: Math.hypot(...found.offset), value: found.valueNorm },
    prefixes: sequences.prefixes,
    denominator: update.denominator,
    deltas: [changeNorms(view, edited, layer)],
  };
  return {
    view: edited,
    deltas: [{ delta, custom_ids: [custom_id] }],
    outcome: { custom_id, outcome: 'applied', diagnostics },
  };
}

/** Edits of a batch are applied one after another, each on top of those before it. */
export const rankOneEditor =
  (keysOf: KeyChoice): Editor<RomeSettings> =>
  async (input, options) => {
    const { config, edits } = input;
    const { onProgress } = options;
    onProgress?.({ phase: 'prepare', done: 0, edits: edits.length });
    const inverse = await solveMatrix(input, config);
    const texts = await prefixTexts(input);
    const deltas: EditorDelta[] = [];
    const outcomes: EditOutcome[] = [];
    let view = input.view;
    for (const [done, edit] of edits.entries()) {
      const failed = await attempt([edit], options, async () => {
        const worked = await workOne(input, view, edit, done, keysOf, inverse, texts, options);
        view = worked.view;
        deltas.push(...worked.deltas);
        outcomes.push(worked.outcome);
      });
      outcomes.push(...failed.values());
      onProgress?.({ phase: 'solve', done: done + 1, edits: edits.length, custom_id: edit.custom_id });
    }
    return { deltas, outcomes };
  };

async function solveMatrix(
  { artefacts }: Pick<EditorInput, 'artefacts'>,
  { second_moment, layer }: RomeSettings,
): Promise<Float64Array | null> {
  return second_moment ? (await artefacts.read(secondMoments, secondMomentOf(layer))).inverse : null;
}
