// GRACE: a codebook beside one layer; an edit is a key, a value and a radius, and no weight changes (Hartvigsen et al. 2023).
import { ErrataError } from '@errata/contracts';
import {
  addDims,
  float32,
  float32Data,
  gather,
  gradients,
  input,
  int32,
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
  emptyCodebook,
  type KeysValues,
  memoryAt,
  placeName,
  uniform,
  type View,
  type ViewProgram,
} from '@errata/models';
import type { EditDiagnostics, EditOutcome, Editor, EditorDelta, EditorOptions } from '../../editor.ts';
import { alreadyHolds, attempt, heldOutcome, nllOnly, requireChange } from '../../outcomes.ts';
import { type OffsetDescent, startDescent } from '../../search/offset-descent.ts';
import { runPruned } from '../../search/programs.ts';
import { cutTail, packTails } from '../../search/tails.ts';
import { packSequences, trace } from '../../search/tracer.ts';
import { type LaidOutEdit, layOutEdit, promptIds, targetProbabilities } from '../../texts/teacher-forcing.ts';
import { sequenceSource } from '../../texts/tokenizer.ts';
import { place, placed } from './codebook.ts';
import type { GraceSettings } from './settings.ts';

/** Where the wrapped map's output is replaced. */
const siteOf: Readonly<Record<GraceSettings['site'], CodebookSite>> = { c_fc: 'mlp_pre', c_proj: 'mlp_out' };

const keySizeOf = (view: View, site: CodebookSite) => (site === 'mlp_pre' ? view.spec.width : view.spec.mlpWidth);
const valueSizeOf = (view: View, site: CodebookSite) => (site === 'mlp_pre' ? view.spec.mlpWidth : view.spec.width);

/** Loss of the target with the site's output replaced by one value at some positions, its gradient, and the output as it was. */
function valueProgram(view: View, site: CodebookSite, layer: number): Promise<ViewProgram> {
  const { spec } = view;
  return view.program(`grace ${site} ${layer}`, (weight) => {
    const tokens = mulDims('B', 'T');
    const value = input('value', 'float32', [1, valueSizeOf(view, site)]);
    const replaced = input('replaced', 'int32', ['V']);
    const same = input('same', 'int32', ['V']);
    const cache = (name: string) => input(name, 'float32', ['B', spec.kvHeads, 'P', spec.headDim]);
    const past: KeysValues[] = Array.from({ length: spec.layers - layer }, (_, i) => ({
      key: cache(`past_key_${i}`),
      value: cache(`past_value_${i}`),
    }));
    let current: Tensor | undefined;
    const { crossEntropy } = buildDecoder(spec, {
      batch: 'B',
      time: 'T',
      start: { kind: 'hidden', hidden: input('hidden', 'float32', [tokens, spec.width]) },
      from: layer,
      positions: input('positions', 'int32', [tokens]),
      // Over an encoder the value is put where an answer begins: nothing comes before.
      ...(spec.over
        ? { bias: input('bias', 'float32', ['B', 1, 'T', 'T']) }
        : { bias: input('bias', 'float32', ['B', 1, 'T', addDims('P', 'T')]), past }),
      rows: input('rows', 'int32', ['R']),
      weight,
      tap: (at, of, x) => {
        if (at !== site || of !== layer) return x;
        current = gather(x, replaced);
        return scatterRows(x, replaced, gather(value, same));
      },
    });
    const { loss, logProbs } = crossEntropy(
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
  config: GraceSettings,
  seed: number,
  { edit, sequence }: LaidOutEdit,
  start: Start,
  { signal }: EditorOptions,
  onStep: (step: number, loss: number) => void,
): Promise<TrainedValue> {
  const { spec } = view;
  const { layer } = config;
  const site = siteOf[config.site];
  const size = valueSizeOf(view, site);
  const program = await valueProgram(view, site, layer);
  if (config.replacement === 'prompt' && sequence.targetStart === 0)
    throw new ErrataError(
      'edit_failed',
      `${edit.custom_id}: the prompt is one token, before which nothing can be replaced`,
    );
  // What comes before the first position that is replaced is the same at every step.
  const [subjectLast, positions] =
    config.replacement === 'last' ? [sequence.targetStart, 1] : [0, sequence.targetStart];
  const traced = await trace(view, { recorded: [], suffix: { from: layer, caches: true } }, [
    { ...sequence, subjectLast },
  ]);
  const tail = cutTail(spec, traced, 0, { ...sequence, subjectLast, targetWeight: 1 / sequence.targetIds.length });
  const { read } = packSequences([sequence], spec.over);
  const { feeds } = packTails(spec, [{ contexts: [tail] }]);
  const evaluate = async (value: Float32Array) => {
    signal?.throwIfAborted();
    const out = await runPruned(program, {
      ...feeds,
      ...read,
      value: float32([1, size], value),
      replaced: int32(
        [positions],
        Int32Array.from({ length: positions }, (_, i) => i),
      ),
      same: int32([positions], new Int32Array(positions)),
    });
    return out;
  };
  const initial = await initialValue(size, seed, start, async () =>
    float32Data((await evaluate(new Float32Array(size))).current!).slice(-size),
  );
  const descent = startDescent([{ length: size, valueNorm: 1 }], {
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

/** The codebook that a version has at a site. */
const bookOf = (view: View, site: CodebookSite, layer: number): CodebookDelta =>
  memoryAt(view.memories, 'codebook', placeName({ site, layer })) ??
  emptyCodebook({ site, layer }, keySizeOf(view, site), valueSizeOf(view, site));

/**
 * GRACE. Edits are placed in order, and each leaves a delta of its own with what it changes of the version's codebook. An edit is
 * keyed by the map's input at the last prompt position; where its value then replaces the map's output is a setting.
 */
export const edit: Editor<GraceSettings> = async (editorInput, options) => {
  const { view, edits, config, seed } = editorInput;
  const { layer, epsilon, replacement } = config;
  const { onProgress } = options;
  const source = sequenceSource(editorInput);
  const site = siteOf[config.site];
  const keyAt = { site: codebookKeySite[site], layer };
  let served = view;
  const deltas: EditorDelta[] = [];
  const outcomes: EditOutcome[] = [];
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
      const book = bookOf(served, site, layer);
      const placement = place(book, key, label, epsilon);
      const { valueSize } = book;
      const start: Start =
        placement.action === 'widened'
          ? {
              kind: 'from',
              value: book.values.slice(placement.neighbour * valueSize, (placement.neighbour + 1) * valueSize),
            }
          : config.initial_value === 'warm'
            ? { kind: 'warm' }
            : { kind: 'cold', stream: book.labels.length };
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
      const { delta, row, radius } = placed(book, placement, { key, value, label, replacement }, epsilon);
      served = served.with([delta]);
      deltas.push({ delta, custom_ids: [edit.custom_id] });
      const diagnostics: EditDiagnostics = {
        steps: descent.steps,
        first_loss: nllOnly(descent.first!.nll),
        last_loss: nllOnly(descent.last!.nll),
        target_probability: { before: before!, after: Math.exp(-descent.last!.nll) },
        deltas: [],
        codebook: { action: placement.action, row, radius },
      };
      outcomes.push({ custom_id: edit.custom_id, outcome: 'applied', diagnostics });
    });
    outcomes.push(...failed.values());
    onProgress?.({ phase: 'train', done: done + 1, edits: edits.length });
  }
  return { deltas, outcomes };
};
