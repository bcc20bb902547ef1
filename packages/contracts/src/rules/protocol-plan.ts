// A protocol as the service carries it out: units of work in order, each with the measurements it makes.

import type { Moment } from '../wire/evaluation-rows.ts';
import type { ServedProtocol } from '../wire/protocols.ts';
import { evaluationLimits } from '../wire/resource-parts.ts';
import { blocksOf, type CaseRange, casesInBlock } from './case-ranges.ts';

/** When in a protocol something is measured, and how many edits are in the model then. */
export interface ProtocolPlace {
  readonly moment: Moment;
  readonly edits: number;
}

/** A piece of work that is done whole: `from` and `to` are positions of its measurements in the evaluation. */
export interface ProtocolUnit extends CaseRange {
  /** `make`: edits are made, and asked about right away. `ask`: edits that were made before are asked about again, or what is watched. */
  readonly kind: 'make' | 'ask';
  /** Index of its first case among the edits, behind which stands what is watched; the others follow it. */
  readonly first: number;
  readonly place: ProtocolPlace;
}

/** Measurements in one evaluation: a stream of edits is asked about again and again. */
export const mostMeasurements = 50_000;

/**
 * The units of a protocol over a number of edits. Those of a stream follow one another; all others do not know of each other.
 * @param watched cases that are asked at every checkpoint of a stream, beside the edits made so far
 */
export function planProtocol(protocol: ServedProtocol, edits: number, watched = 0): readonly ProtocolUnit[] {
  const units: ProtocolUnit[] = [];
  let position = 0;
  const push = (kind: ProtocolUnit['kind'], first: number, count: number, place: ProtocolPlace) => {
    units.push({ kind, from: position, to: position + count, first, place });
    position += count;
  };
  const step = protocol.kind === 'single' ? 1 : protocol.kind === 'batch' ? protocol.size : protocol.batch;
  const checkpoints = protocol.kind === 'lifelong' ? checkpointsOf(protocol, edits) : new Set<number>();
  for (let first = 0; first < edits; first += step) {
    const count = Math.min(step, edits - first);
    const reached = first + count;
    if (protocol.kind === 'lifelong') push('make', first, count, { moment: 'once', edits: reached });
    else push('make', first, count, { moment: protocol.kind === 'single' ? 'once' : 'end', edits: count });
    if (!checkpoints.has(reached)) continue;
    const place: ProtocolPlace = { moment: reached === edits ? 'end' : 'curve', edits: reached };
    for (const { from, to } of blocksOf({ from: 0, to: reached })) push('ask', from, to - from, place);
    for (const { from, to } of blocksOf({ from: edits, to: edits + watched })) push('ask', from, to - from, place);
  }
  return units;
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
