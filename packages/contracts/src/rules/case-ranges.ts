// How the cases of an evaluation are divided: into blocks that are asked together, and shards of whole blocks.
import { ErrataError } from '../errors.ts';
import { evaluationLimits } from '../wire/resource-parts.ts';

/**
 * Cases that are put to a model together. Shards are made of whole blocks, counted from the first case, so that a case shares its
 * batch with the same others however many shards and workers there are: rounding cannot tell one division of the work from another.
 */
export const casesInBlock = 32;

/** Half-open ranges of positions. */
export interface CaseRange {
  readonly from: number;
  readonly to: number;
}

/** The blocks that a number of cases falls into. */
export const blocksOf = ({ from, to }: CaseRange, size = casesInBlock): readonly CaseRange[] =>
  Array.from({ length: Math.ceil((to - from) / size) }, (_, index) => ({
    from: from + index * size,
    to: Math.min(from + (index + 1) * size, to),
  }));

/** Divides cases into shards of whole blocks, as even as they come; fewer than asked for when there are fewer blocks. */
export function divideCases(cases: number, shards?: number): readonly CaseRange[] {
  if (cases < 1) throw new ErrataError('invalid_request', 'there are no cases');
  const blocks = Math.ceil(cases / casesInBlock);
  // Small enough that edits which share the worker are not kept waiting for long.
  const wanted = shards ?? Math.ceil(blocks / 4);
  const count = Math.min(wanted, blocks, evaluationLimits.shards);
  return Array.from({ length: count }, (_, index) => ({
    from: Math.floor((index * blocks) / count) * casesInBlock,
    to: Math.min(Math.floor(((index + 1) * blocks) / count) * casesInBlock, cases),
  }));
}
