// ROME and r-ROME: one fact, one rank-one update of one MLP (Meng et al. 2022; Gupta et al. 2024).
import type { EditorName, RebuiltRomeConfig, RomeConfig } from '@errata/contracts';
import type { View } from '@errata/models';
import type { EditOutcome, Editor, EditorDelta, EditorInput, EditorOptions, EditRequest } from '../editor.ts';
import { alreadyHolds, attempt, changeNorms, heldOutcome, valueDelta } from '../outcomes.ts';
import { contextPrefixes, sequenceSource } from './preparation.ts';
import { rankOneUpdate } from './rank-one.ts';
import { editSequences } from './sequences.ts';
import { prepareSearch, requireFound, type SubjectActivations, searchValues } from './value-search.ts';
import { meanOf, minus, plus } from './vectors.ts';

/** The keys that an update solves with and is scaled by, and the change of value asked at the latter. */
type KeyChoice = (
  activations: SubjectActivations,
  offset: Float64Array,
) => { readonly solveKey: Float64Array; readonly scaleKey: Float64Array; readonly change: Float64Array };

/**
 * As first published: u = C^-1 k with k the mean over contexts, but scaled by the bare prompt's key k0, so that
 * W' k0 = W k0 + offset.
 */
const romeKeys: KeyChoice = ({ keys }, offset) => ({ solveKey: meanOf(keys), scaleKey: keys[0]!, change: offset });

/**
 * As rebuilt: the mean key k on both sides. The offset was found as an addition to each context's own value, so `offset` gives
 * W' k = W k + offset. The reference code (`bare_value`) asks for W' k = v0 + offset, with v0 the bare prompt's value.
 */
const rebuiltKeys =
  (solveFor: RebuiltRomeConfig['solve_for']): KeyChoice =>
  ({ keys, mlpOut }, offset) => {
    const average = meanOf(keys);
    const change = solveFor === 'offset' ? offset : minus(plus(mlpOut[0]!, offset), meanOf(mlpOut));
    return { solveKey: average, scaleKey: average, change };
  };

interface Worked {
  /** The view that was given where the edit holds already. */
  readonly view: View;
  readonly deltas: readonly EditorDelta[];
  readonly outcome: EditOutcome;
}

async function workOne(
  input: EditorInput<'rome' | 'r-rome'>,
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
  const prepared = await prepareSearch(view, layer, [sequences]);
  const searched = await searchValues(
    view,
    [prepared],
    { ...config, site: 'mlp_out' },
    {
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
    },
  );
  const found = searched[0]!;
  const { custom_id } = edit;
  const [probability] = found.probabilities;
  if (alreadyHolds(found.first, config))
    return { view, deltas: [], outcome: heldOutcome(custom_id, found.first, probability!.before) };
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
const rankOneEditor =
  (keysOf: KeyChoice): Editor<'rome' | 'r-rome'> =>
  async (input, options) => {
    const { config, edits } = input;
    const { onProgress } = options;
    onProgress?.({ phase: 'prepare', done: 0, edits: edits.length });
    const inverse = await solveMatrix(input, config);
    const { texts } = await contextPrefixes(input, config.prefixes, options.signal);
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
  { artefacts }: Pick<EditorInput<EditorName>, 'artefacts'>,
  { second_moment, layer }: RomeConfig,
): Promise<Float64Array | null> {
  return second_moment ? (await artefacts.secondMoment(layer)).inverse : null;
}

/** ROME as first published. Its denominator k0 . u can pass through zero: watch `denominator` and `density`. */
export const rome: Editor<'rome'> = rankOneEditor(romeKeys);

/** r-ROME: one key throughout. */
export const rebuiltRome: Editor<'r-rome'> = (input, options) =>
  rankOneEditor(rebuiltKeys(input.config.solve_for))(input, options);
