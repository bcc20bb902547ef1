// How edits that were not trained on are judged: what of each record is asked, and how much of the answers is as wanted.
import type { Score } from '@errata/models';
import type { Item, TrainingRecord } from './records.ts';

/** The items of a record that are asked: the first of each sort. */
export const askedOf = ({ reliability, generality, locality }: TrainingRecord) =>
  [reliability, generality[0]![0]!, locality[0]![0]!] as const satisfies readonly Item[];

export const share = (hits: readonly boolean[]): number => hits.filter(Boolean).length / hits.length;

/** The mean over items of the share of tokens that the model, given those before, finds likeliest. */
export const agreement = (scores: readonly Score[], wanted: readonly ArrayLike<number>[]): number =>
  scores.reduce((sum, { best }, item) => sum + share([...best].map((id, at) => id === wanted[item]![at])), 0) /
  scores.length;
