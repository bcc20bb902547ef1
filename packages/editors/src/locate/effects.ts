// What traces of many facts say together: mean effects by site, kind of token and layer, and the layer where facts seem to be looked up.
import { uniform } from '@errata/models';
import type { FactTrace, TracedFact } from './causal-tracing.ts';
import { type TokenKind, type TracedSite, tokenKinds, tracedSites } from './told.ts';

/** What the token at a position is; undefined in front of the subject. A subject of one token is its last. */
export function kindOf(
  { ids, subject: [first, last] }: Pick<TracedFact, 'ids' | 'subject'>,
  at: number,
): TokenKind | undefined {
  if (at < first) return undefined;
  if (at === last) return 'last subject token';
  if (at === first) return 'first subject token';
  if (at < last) return 'middle subject tokens';
  if (at === ids.length - 1) return 'last token';
  return at === last + 1 ? 'first token after' : 'further tokens';
}

/** Mean indirect effects: by how much the answer's probability comes back, one number a layer; null for kinds that no prompt has. */
export type Effects = Record<TracedSite, Record<TokenKind, number[] | null>>;

export interface TracedFacts {
  readonly facts: readonly TracedFact[];
  /** Of each fact, in order. */
  readonly traces: readonly FactTrace[];
}

/** Effects of a fact: the mean over its tokens of a kind. */
function effectOf(
  fact: TracedFact,
  { corrupted, restored }: FactTrace,
  site: TracedSite,
  kind: TokenKind,
): number[] | null {
  const positions = fact.ids.flatMap((_, at) => (kindOf(fact, at) === kind ? [at] : []));
  if (positions.length === 0) return null;
  return restored[site].map(
    (tokens) => positions.reduce((sum, at) => sum + tokens[at]! - corrupted, 0) / positions.length,
  );
}

/** Averages over facts that have tokens of the kind. */
export function meanEffects({ facts, traces }: TracedFacts): Effects {
  const of = (site: TracedSite, kind: TokenKind) => {
    const all = facts.flatMap((fact, i) => {
      const effect = effectOf(fact, traces[i]!, site, kind);
      return effect === null ? [] : [effect];
    });
    return all.length === 0 ? null : meanOfLayers(all);
  };
  return Object.fromEntries(
    tracedSites.map((site) => [site, Object.fromEntries(tokenKinds.map((kind) => [kind, of(site, kind)]))]),
  ) as unknown as Effects;
}

const meanOfLayers = (all: readonly (readonly number[])[]): number[] =>
  all[0]!.map((_, layer) => all.reduce((sum, effect) => sum + effect[layer]!, 0) / all.length);

const argMax = (values: readonly number[]): number => values.indexOf(Math.max(...values));

export interface Recommendation {
  /** Where the MLPs at the subject's last token bring back most. */
  readonly layer: number;
  /** Mean effect there. */
  readonly effect: number;
  /** Share of resamples of the facts whose own layer is at most one away: how sure it is. */
  readonly sureness: number;
}

const resamples = 1000;

/** The layer that the traces speak for. */
export function recommendLayer({ facts, traces }: TracedFacts, seed: number): Recommendation {
  const effects = facts.map((fact, i) => effectOf(fact, traces[i]!, 'mlp_out', 'last subject token')!);
  const mean = meanOfLayers(effects);
  const layer = argMax(mean);
  const next = uniform(seed, 0);
  let near = 0;
  for (let i = 0; i < resamples; i++) {
    const drawn = effects.map(() => effects[Math.floor(next() * effects.length)]!);
    if (Math.abs(argMax(meanOfLayers(drawn)) - layer) <= 1) near++;
  }
  return { layer, effect: mean[layer]!, sureness: near / resamples };
}
