// A protocol as it is carried out: units of work in order, each with the measurements it makes.
import type { Moment } from '../wire/evaluation-rows.ts';
import type { Protocol, ServedProtocol } from '../wire/protocols.ts';
import { evaluationLimits } from '../wire/resource-parts.ts';
import { blocksOf, type CaseRange, casesInBlock } from './case-ranges.ts';

/** When in a protocol something is measured, and how many edits are in the model then. */
export interface ProtocolPlace {
  readonly moment: Moment;
  readonly edits: number;
}

/** A piece of work that is done whole: `from` and `to` are positions of its measurements in the evaluation. */
export interface ProtocolUnit extends CaseRange {
  /**
   * `make`: the edits of cases are made, and asked about right away where the protocol says so. `ask`: cases are asked about whose edits
   * were made before or never will be, or what is watched.
   */
  readonly kind: 'make' | 'ask';
  /** Index of its first case among the cases, behind which stands what is watched; the others follow it. */
  readonly first: number;
  /** Cases whose edits are in the model then. */
  readonly reached: number;
  readonly place: ProtocolPlace;
}

/** Measurements in one evaluation: a stream of edits is asked about again and again. */
export const mostMeasurements = 50_000;

export interface PlanOptions {
  /** Cases that are asked at every checkpoint of a stream, and of a model as it is, beside the others. */
  readonly watched?: number;
  /** Edits of each case, in order; one each when left out. */
  readonly edits?: readonly number[];
  /** Cases that are asked together at most. */
  readonly block?: number;
}

/** Whether every unit of a protocol goes on from what the ones before it left. */
export const isStream = (protocol: Protocol | null): boolean =>
  protocol?.kind === 'lifelong' || protocol?.kind === 'efficiency';

/**
 * The units of a protocol over a number of cases. Those of a stream follow one another; all others do not know of each other.
 * @param protocol null for the model as it is: all are asked, and none of their edits is made
 */
export function planProtocol(
  protocol: Protocol | null,
  cases: number,
  { watched = 0, edits = Array.from({ length: cases }, () => 1), block = casesInBlock }: PlanOptions = {},
): readonly ProtocolUnit[] {
  const units: ProtocolUnit[] = [];
  let position = 0;
  const push = (kind: ProtocolUnit['kind'], first: number, count: number, reached: number, place: ProtocolPlace) => {
    units.push({ kind, from: position, to: position + count, first, reached, place });
    position += count;
  };
  const askAll = (upTo: number, reached: number, place: ProtocolPlace) => {
    for (const { from, to } of blocksOf({ from: 0, to: upTo }, block)) push('ask', from, to - from, reached, place);
    for (const { from, to } of blocksOf({ from: cases, to: cases + watched }, block))
      push('ask', from, to - from, reached, place);
  };
  if (protocol === null) {
    askAll(cases, 0, { moment: 'once', edits: 0 });
    return units;
  }
  const stream = isStream(protocol);
  const checkpoints =
    protocol.kind === 'lifelong' || protocol.kind === 'efficiency' ? checkpointsOf(protocol, cases) : new Set<number>();
  const step = stepOf(protocol);
  let inModel = 0;
  for (let first = 0; first < cases; first += step) {
    const count = Math.min(step, cases - first);
    const reached = first + count;
    const made = edits.slice(first, reached).reduce((sum, each) => sum + each, 0);
    inModel = stream ? inModel + made : made;
    const atOnce = stream || protocol.kind === 'single';
    push('make', first, count, reached, { moment: atOnce ? 'once' : 'end', edits: inModel });
    if (!checkpoints.has(reached)) continue;
    const place: ProtocolPlace = { moment: reached === cases ? 'end' : 'curve', edits: inModel };
    if (protocol.kind === 'efficiency') push('ask', 0, Math.min(protocol.answers, cases), reached, place);
    else askAll(reached, reached, place);
  }
  return units;
}

function stepOf(protocol: Protocol): number {
  if (protocol.kind === 'batch') return protocol.size;
  return protocol.kind === 'lifelong' ? protocol.batch : 1;
}

/** Divides units into shards as even as they come. A stream is one: every edit is made on what those before it left. */
export function divideUnits(
  units: readonly ProtocolUnit[],
  protocol: ServedProtocol,
  shards?: number,
): readonly CaseRange[] {
  const edits = units.reduce((sum, unit) => sum + (unit.kind === 'make' ? unit.to - unit.from : 0), 0);
  const wanted = protocol.kind === 'lifelong' ? 1 : (shards ?? Math.ceil(edits / casesInBlock));
  const count = Math.min(wanted, units.length, evaluationLimits.shards);
  return Array.from({ length: count }, (_, index) => ({
    from: units[Math.floor((index * units.length) / count)]!.from,
    to: units[Math.floor(((index + 1) * units.length) / count) - 1]!.to,
  }));
}

/** 1, 2, 5, 10, 20, 50 ... up to the last edit: even steps on a logarithmic axis, at less than twice the cost of the last. */
export function defaultCheckpoints(edits: number): readonly number[] {
  const found: number[] = [];
  for (let decade = 1; decade < edits; decade *= 10)
    for (const step of [1, 2, 5]) if (step * decade < edits) found.push(step * decade);
  return [...found, edits];
}

/** The checkpoints of a stream: multiples of its batch or the first after them, each once, ending at the last edit. */
export function checkpointsOf(
  { checkpoints, batch = 1 }: { readonly checkpoints?: readonly number[] | undefined; readonly batch?: number },
  edits: number,
): ReadonlySet<number> {
  const wanted = checkpoints ?? defaultCheckpoints(edits);
  const reached = wanted.map((at) => Math.min(edits, Math.ceil(at / batch) * batch));
  return new Set([...reached, edits].sort((a, b) => a - b));
}
