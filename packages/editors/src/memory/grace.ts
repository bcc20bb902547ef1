// GRACE: a codebook beside one layer; an edit is a key, a value and a radius, and no weight changes (Hartvigsen et al. 2023).
import type { GraceConfig } from '@errata/contracts';
import {
  addDims,
  float32,
  float32Data,
  gather,
  gradients,
  input,
  int32,
  linearCrossEntropy,
  mulDims,
  scatterRows,
  type Tensor,
} from '@errata/graph';
import {
  buildDecoder,
  type CodebookDelta,
  type CodebookSite,
  captureName,
  codebookKeySite,
  type KeysValues,
  uniform,
  type View,
  type ViewProgram,
} from '@errata/models';
import type { EditDiagnostics, EditOutcome, Editor, EditorOptions } from '../editor.ts';
import { type OffsetDescent, startDescent } from '../locate/offset-descent.ts';
import { sequenceSource } from '../locate/preparation.ts';
import { cutTail, packTails } from '../locate/tails.ts';
import { trace } from '../locate/tracer.ts';
import { alreadyHolds, attempt, heldOutcome, nllOnly, requireChange } from '../outcomes.ts';
import { runPruned } from '../programs.ts';
import { type LaidOutEdit, layOutEdit, promptIds, targetProbabilities } from '../teacher-forcing.ts';
import { applyPlacement, type CodebookRow, place } from './codebook.ts';

/** Where the wrapped map's output is replaced. */
const siteOf: Readonly<Record<GraceConfig['site'], CodebookSite>> = { c_fc: 'mlp_pre', c_proj: 'mlp_out' };

const keySizeOf = (view: View, site: CodebookSite) => (site === 'mlp_pre' ? view.spec.width : view.spec.mlpWidth);
const valueSizeOf = (view: View, site: CodebookSite) => (site === 'mlp_pre' ? view.spec.mlpWidth : view.spec.width);

/** Loss of the target with the site's output replaced at the last prompt position, its gradient, and the output as it was. */
function valueProgram(view: View, site: CodebookSite, layer: number): Promise<ViewProgram> {
  const { spec } = view;
  return view.program(`grace ${site} ${layer}`, (weight) => {
    const tokens = mulDims('B', 'T');
    const value = input('value', 'float32', [1, valueSizeOf(view, site)]);
    const replaced = input('replaced', 'int32', [1]);
    const cache = (name: string) => input(name, 'float32', ['B', spec.kvHeads, 'P', spec.headDim]);
    const past: KeysValues[] = Array.from({ length: spec.layers - layer }, (_, i) => ({
      key: cache(`past_key_${i}`),
      value: cache(`past_value_${i}`),
    }));
    let current: Tensor | undefined;
    const { normed } = buildDecoder(spec, {
      batch: 'B',
      time: 'T',
      start: { kind: 'hidden', hidden: input('hidden', 'float32', [tokens, spec.width]) },
      from: layer,
      positions: input('positions', 'int32', [tokens]),
      bias: input('bias', 'float32', ['B', 1, 'T', addDims('P', 'T')]),
      past,
      rows: input('rows', 'int32', ['R']),
      weight,
      tap: (at, of, x) => {
        if (at !== site || of !== layer) return x;
        current = gather(x, replaced);
        return scatterRows(x, replaced, value);
      },
    });
    const { loss, logProbs } = linearCrossEntropy(
      normed!,
      weight(spec.head.weight),
      spec.head.orientation,
      input('targets', 'int32', ['R']),
      input('target_weights', 'float32', ['R']),
    );
    return { loss, log_probs: logProbs, gradient: gradients(loss, [value])[0]!, current: current! };
  });
}

/** How a value came to be. */
interface TrainedValue {
  readonly value: Float32Array;
  readonly descent: OffsetDescent;
}

/** What an edit's value starts from. */
type Start =
  | { readonly kind: 'cold'; readonly stream: number }
  | { readonly kind: 'warm' }
  | { readonly kind: 'from'; readonly value: Float32Array };

async function trainValue(
  view: View,
  config: GraceConfig,
  seed: number,
  { sequence }: LaidOutEdit,
  start: Start,
  { signal }: EditorOptions,
  onStep: (step: number, loss: number) => void,
): Promise<TrainedValue> {
  const { spec } = view;
  const { layer } = config;
  const site = siteOf[config.site];
  const size = valueSizeOf(view, site);
  const program = await valueProgram(view, site, layer);
  const traced = await trace(view, { recorded: [], suffix: { from: layer, caches: true } }, [
    { ids: sequence.ids, subjectLast: sequence.targetStart },
  ]);
  const tail = cutTail(spec, traced, 0, {
    ...sequence,
    subjectLast: sequence.targetStart,
    targetWeight: 1 / sequence.targetIds.length,
  });
  const { feeds } = packTails(spec, [{ contexts: [tail] }]);
  const evaluate = async (value: Float32Array) => {
    signal?.throwIfAborted();
    const out = await runPruned(program, {
      ...feeds,
      value: float32([1, size], value),
      replaced: int32([1], Int32Array.of(0)),
    });
    return out;
  };
  const initial = await initialValue(size, seed, start, async () =>
    float32Data((await evaluate(new Float32Array(size))).current!),
  );
  const descent = startDescent(size, 1, {
    ...config,
    weight_decay: 0,
    kl_factor: 0,
    clamp_factor: Number.POSITIVE_INFINITY,
  });
  let value = initial;
  for (let ended = false; !ended; ) {
    value = initial.map((x, i) => x + descent.offset[i]!);
    const out = await evaluate(value);
    ended = descent.advance({ nll: float32Data(out.loss!)[0]!, kl: 0, gradient: float32Data(out.gradient!) });
    onStep(descent.steps, descent.last!.total);
  }
  return { value, descent };
}

async function initialValue(
  size: number,
  seed: number,
  start: Start,
  current: () => Promise<Float32Array>,
): Promise<Float32Array> {
  switch (start.kind) {
    case 'cold': {
      const next = uniform(seed, start.stream);
      return Float32Array.from({ length: size }, next);
    }
    case 'warm':
      return current();
    case 'from':
      return start.value;
  }
}

/** The rows of the codebook that a version has at a site. */
function rowsOf(view: View, site: CodebookSite, layer: number): readonly CodebookRow[] {
  const book = view.codebooks.find((one) => one.site === site && one.layer === layer);
  if (!book) return [];
  const { keys, values, radii, labels, keySize, valueSize } = book;
  return labels.map((label, i) => ({
    key: keys.slice(i * keySize, (i + 1) * keySize),
    value: values.slice(i * valueSize, (i + 1) * valueSize),
    radius: radii[i]!,
    label,
  }));
}

function flatten(arrays: readonly Float32Array[], size: number): Float32Array {
  const out = new Float32Array(arrays.length * size);
  for (const [i, array] of arrays.entries()) out.set(array, i * size);
  return out;
}

function codebookDelta(view: View, site: CodebookSite, layer: number, rows: readonly CodebookRow[]): CodebookDelta {
  const [keySize, valueSize] = [keySizeOf(view, site), valueSizeOf(view, site)];
  return {
    kind: 'codebook',
    site,
    layer,
    keySize,
    valueSize,
    keys: flatten(
      rows.map(({ key }) => key),
      keySize,
    ),
    values: flatten(
      rows.map(({ value }) => value),
      valueSize,
    ),
    radii: Float32Array.from(rows, ({ radius }) => radius),
    labels: rows.map(({ label }) => label),
  };
}

/**
 * GRACE. The delta is the whole codebook after the batch and supersedes the version's earlier one at the same place. Edits are
 * placed in order; each is keyed by the map's input at the last prompt token, where the value then replaces the map's output.
 */
export const grace: Editor<'grace'> = async (editorInput, options) => {
  const { view, edits, config, seed } = editorInput;
  const { layer, epsilon } = config;
  const { onProgress } = options;
  const source = sequenceSource(editorInput);
  const site = siteOf[config.site];
  const keyAt = { site: codebookKeySite[site], layer };
  let rows = rowsOf(view, site, layer);
  const applied: string[] = [];
  const outcomes: EditOutcome[] = [];
  let served = view;
  for (const [done, edit] of edits.entries()) {
    const failed = await attempt([edit], options, async () => {
      const laidOut = layOutEdit(source, edit);
      const { sequence } = laidOut;
      const [before] = await targetProbabilities(served, [laidOut]);
      const told = nllOnly(-Math.log(before!));
      if (alreadyHolds(told, config)) {
        outcomes.push(heldOutcome(edit.custom_id, told, before!));
        return;
      }
      const keys = await view.activations([promptIds(sequence)], [keyAt], 'last');
      const key = keys.get(captureName(keyAt))!;
      const label = sequence.targetIds.join(' ');
      const placement = place(rows, key, label, epsilon);
      const start: Start =
        placement.action === 'widened'
          ? { kind: 'from', value: rows[placement.neighbour]!.value }
          : config.initial_value === 'warm'
            ? { kind: 'warm' }
            : { kind: 'cold', stream: rows.length };
      const { value, descent } = await trainValue(view, config, seed, laidOut, start, options, (step, loss) =>
        onProgress?.({
          phase: 'train',
          done,
          edits: edits.length,
          custom_id: edit.custom_id,
          layer,
          step,
          steps: config.steps,
          loss,
        }),
      );
      requireChange([value], layer, [edit.custom_id]);
      const placed = applyPlacement(rows, placement, { key, value, label }, epsilon);
      rows = placed.rows;
      served = view.with([codebookDelta(view, site, layer, rows)]);
      applied.push(edit.custom_id);
      const diagnostics: EditDiagnostics = {
        steps: descent.steps,
        first_loss: nllOnly(descent.first!.nll),
        last_loss: nllOnly(descent.last!.nll),
        target_probability: { before: before!, after: Math.exp(-descent.last!.nll) },
        deltas: [],
        codebook: { action: placement.action, row: placed.index, radius: rows[placed.index]!.radius },
      };
      outcomes.push({ custom_id: edit.custom_id, outcome: 'applied', diagnostics });
    });
    outcomes.push(...failed.values());
    onProgress?.({ phase: 'train', done: done + 1, edits: edits.length });
  }
  if (applied.length === 0) return { deltas: [], outcomes };
  return { deltas: [{ delta: codebookDelta(view, site, layer, rows), custom_ids: applied }], outcomes };
};
