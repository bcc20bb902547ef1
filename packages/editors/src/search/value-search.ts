// The value search that ROME, MEMIT and PMET share: for each edit the offset at the subject's last token that brings the target out.
import { ErrataError } from '@errata/contracts';
import { float32, float32Data, type HostTensor } from '@errata/graph';
import type { DecoderSpec, View } from '@errata/models';
import type { LossTerms } from '../editor.ts';
import { named } from '../outcomes.ts';
import { meanOf, norm } from '../solve/vectors.ts';
import type { EditSequences } from '../texts/sequences.ts';
import { type DescentSettings, type OffsetDescent, startDescent } from './offset-descent.ts';
import { runPruned } from './programs.ts';
import { firstRun, suffixLoss, type ValueSite } from './suffix-loss.ts';
import { cutTail, type PackedTails, packTails, type TailGroup, type TailSource } from './tails.ts';
import { type LayerRecord, trace } from './tracer.ts';

/** The edits of one search; several of one subject share their offset (MEMIT-Merge), and their losses add up. */
export type SearchProblem = readonly [EditSequences, ...EditSequences[]];

/** Float64 activations of one edit at the subject's last token of the searched layer: the bare prompt first. */
export interface SubjectActivations {
  readonly keys: readonly Float64Array[];
  readonly attnOut: readonly Float64Array[];
  readonly mlpOut: readonly Float64Array[];
  readonly blockOut: readonly Float64Array[];
}

/** The frozen part of a search: what does not change while the offset does. */
export interface PreparedSearch {
  readonly layer: number;
  readonly site: ValueSite;
  readonly problem: SearchProblem;
  /** One entry an edit. */
  readonly activations: readonly SubjectActivations[];
  readonly tails: TailGroup;
}

/** What a search found. */
export interface FoundOffset {
  /** What is to be added to the MLP's output or, where the site is the block's, to the stream. */
  readonly offset: Float64Array;
  /** Norm of the value that the offset is added to: of the bare prompts' mean, where edits share it. */
  readonly valueNorm: number;
  readonly steps: number;
  /** Whether there was nothing to do: what the model says without an offset already meets a rule to stop by. */
  readonly holds: boolean;
  readonly first: LossTerms;
  readonly last: LossTerms;
  /** Of each edit's target after its bare prompt, the geometric mean over its tokens: at the start and at the end. */
  readonly probabilities: readonly { readonly before: number; readonly after: number }[];
}

/** How a search is watched and stopped. */
export interface SearchOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onStep?: ((problem: SearchProblem, step: number, loss: number) => void) | undefined;
}

/** Rows of one vector per context as float64 vectors. */
const rowsOf = (data: Float32Array, from: number, to: number, width: number): Float64Array[] =>
  Array.from({ length: to - from }, (_, i) =>
    Float64Array.from(data.subarray((from + i) * width, (from + i + 1) * width)),
  );

/**
 * Runs the frozen part of a search at a site of a layer. Only what the offset can reach is left for each step: the layers above, the
 * positions from the subject on, over cached keys and values of those before.
 */
export async function prepareSearch(
  view: View,
  { layer, site }: { readonly layer: number; readonly site: ValueSite },
  problem: SearchProblem,
): Promise<PreparedSearch> {
  const { spec } = view;
  const contexts: TailSource[] = problem.flatMap((edit) =>
    edit.contexts.map((context) => ({
      ...context,
      // Mean over contexts of the mean over target tokens; sums over the edits of one subject.
      targetWeight: 1 / (edit.contexts.length * context.targetIds.length),
    })),
  );
  const all = [...contexts, { ...problem[0].essence, targetStart: 0, targetIds: [], targetWeight: 0 }];
  const traced = await trace(view, { recorded: [layer], suffix: { from: firstRun(layer, site), caches: true } }, all);
  const record = traced.layers.get(layer)!;
  let from = 0;
  const activations = problem.map((edit) => {
    const rows = activationRows(record, from, from + edit.contexts.length, spec.mlpWidth, spec.width);
    from += edit.contexts.length;
    return rows;
  });
  const tails = all.map((sequence, index) => cutTail(spec, traced, index, sequence));
  return { layer, site, problem, activations, tails: { contexts: tails.slice(0, -1), essence: tails.at(-1)! } };
}

/** Searches prepared one by one as one: their edits share an offset. */
export const mergeSearches = (searches: readonly [PreparedSearch, ...PreparedSearch[]]): PreparedSearch => {
  const [first, ...rest] = searches;
  return {
    layer: first.layer,
    site: first.site,
    problem: [...first.problem, ...rest.flatMap(({ problem }) => problem)],
    activations: searches.flatMap(({ activations }) => activations),
    tails: { ...first.tails, contexts: searches.flatMap(({ tails }) => tails.contexts) },
  };
};

function activationRows(record: LayerRecord, from: number, to: number, mlpWidth: number, width: number) {
  return {
    keys: rowsOf(record.keys, from, to, mlpWidth),
    attnOut: rowsOf(record.attnOut, from, to, width),
    mlpOut: rowsOf(record.mlpOut, from, to, width),
    blockOut: rowsOf(record.blockOut, from, to, width),
  };
}

/** What the offsets of a site are added to, in the order in which they stand. */
const valuesAt = {
  mlp_out: ['mlpOut'],
  block_out: ['blockOut'],
  attn_and_mlp: ['attnOut', 'mlpOut'],
} as const satisfies Readonly<Record<ValueSite, readonly (keyof SubjectActivations)[]>>;

/** A search under way. */
interface Running {
  readonly prepared: PreparedSearch;
  readonly descent: OffsetDescent;
  readonly valueNorm: number;
  /** log p0 of the KL prompt's next token, once known: the first evaluation, at offset zero, gives it. */
  base: Float32Array | undefined;
  before: readonly number[] | undefined;
  after: readonly number[];
}

/**
 * Searches the offsets of prepared searches at one layer side by side in one program; each ends by its own stopping rule and
 * then costs nothing more.
 */
export async function searchValues(
  view: View,
  prepared: readonly [PreparedSearch, ...PreparedSearch[]],
  settings: DescentSettings,
  { signal, onStep }: SearchOptions = {},
): Promise<readonly FoundOffset[]> {
  const { spec } = view;
  const [{ layer, site }] = prepared;
  const loss = await suffixLoss(view, layer, site);
  const searches = prepared.map((one): Running => {
    const parts = valuesAt[site].map((value) => ({
      length: spec.width,
      valueNorm: norm(meanOf(one.activations.map((edit) => edit[value][0]!))),
    }));
    return {
      prepared: one,
      descent: startDescent(parts, settings),
      valueNorm: parts.at(-1)!.valueNorm,
      base: undefined,
      before: undefined,
      after: [],
    };
  });
  let active = searches;
  while (active.length > 0) {
    const packed = packTails(
      spec,
      active.map(({ prepared: { tails } }) => tails),
    );
    // Repacked when a search ends; until then only the offsets change.
    let ended = false;
    while (!ended) {
      signal?.throwIfAborted();
      const out = await runPruned(loss, {
        ...packed.feeds,
        ...variableFeeds(spec, active, packed, settings.kl_factor),
      });
      const best = float32Data(out.best!);
      const logProbs = float32Data(out.log_probs!);
      const essence = float32Data(out.essence_log_probs!);
      const gradient = float32Data(out.gradient!);
      const kl = float32Data(out.kl!);
      for (const [e, search] of active.entries()) {
        const means = packed.spans[e]!.map(([start, end]) => mean(logProbs.subarray(start, end)));
        const klNow = search.base ? kl[e]! : 0;
        search.base ??= essence.slice(e * spec.vocab, (e + 1) * spec.vocab);
        search.after = bareMeans(search.prepared.problem, means).map(Math.exp);
        search.before ??= search.after;
        const { length } = search.descent.offset;
        const own = gradient.subarray(e * length, (e + 1) * length);
        const won = packed.spans[e]!.every(([start, end]) =>
          logProbs.subarray(start, end).every((logProb, i) => logProb === best[start + i]),
        );
        const done = search.descent.advance({
          nll: summedNll(search.prepared.problem, means),
          kl: klNow,
          gradient: own,
          won,
        });
        onStep?.(search.prepared.problem, search.descent.steps, search.descent.last!.total);
        ended ||= done;
      }
    }
    active = active.filter(({ descent }) => !descent.finished);
  }
  return searches.map(({ descent, valueNorm, before, after }) => ({
    offset: Float64Array.from(descent.offset.subarray(-spec.width)),
    valueNorm,
    steps: descent.steps,
    holds: descent.holds,
    first: descent.first!,
    last: descent.last!,
    probabilities: after.map((p, i) => ({ before: before![i]!, after: p })),
  }));
}

/**
 * @throws ErrataError naming the edits: `non_finite_delta` where a search met a loss that is not finite, `zero_delta` where it ended
 * where it began
 */
export function requireFound(custom_ids: readonly string[], { last, offset, steps }: FoundOffset): void {
  const details = { custom_ids: [...custom_ids] };
  if (!Number.isFinite(last.total)) {
    throw new ErrataError('non_finite_delta', `${named(custom_ids)}: the value search met a loss that is not finite`, {
      details,
    });
  }
  if (offset.some((x) => x !== 0)) return;
  const after = `after ${steps} ${steps === 1 ? 'step' : 'steps'}, at a loss of ${last.total.toPrecision(3)}`;
  throw new ErrataError('zero_delta', `${named(custom_ids)}: the value search ended where it began, ${after}`, {
    details,
  });
}

function variableFeeds(
  { vocab }: DecoderSpec,
  active: readonly Running[],
  { spans, feeds }: PackedTails,
  klFactor: number,
): Record<string, HostTensor> {
  const count = active.length;
  const { length } = active[0]!.descent.offset;
  const offsets = new Float32Array(count * length);
  const targetWeights = float32Data(feeds.target_weights!).slice();
  const base = new Float32Array(count * vocab);
  const klWeights = new Float32Array(count);
  for (const [e, search] of active.entries()) {
    offsets.set(search.descent.offset, e * length);
    const { nllWeight } = search.descent;
    for (const [start, end] of spans[e]!) for (let row = start; row < end; row++) targetWeights[row]! *= nllWeight;
    if (!search.base) continue;
    base.set(search.base, e * vocab);
    klWeights[e] = klFactor;
  }
  return {
    offsets: float32([count, length], offsets),
    target_weights: float32([targetWeights.length], targetWeights),
    base: float32([count, vocab], base),
    kl_weights: float32([count], klWeights),
  };
}

const mean = (values: Float32Array): number => values.reduce((sum, x) => sum + x, 0) / values.length;

/** Sum over edits of the mean over their contexts. */
function summedNll(problem: SearchProblem, contextMeans: readonly number[]): number {
  let from = 0;
  let total = 0;
  for (const { contexts } of problem) {
    const own = contextMeans.slice(from, from + contexts.length);
    total -= own.reduce((sum, x) => sum + x, 0) / own.length;
    from += contexts.length;
  }
  return total;
}

/** Mean log-probability of each edit's target after its bare prompt. */
function bareMeans(problem: SearchProblem, contextMeans: readonly number[]): number[] {
  let from = 0;
  return problem.map(({ contexts }) => {
    const bare = contextMeans[from]!;
    from += contexts.length;
    return bare;
  });
}
