// Whether two descriptions are of one decoder, whatever its tensors are called: what tells that a file says all there is to say.

import type { DecoderSpec } from '../../architectures/spec.ts';

/** Numbers that a file keeps in four bytes. */
const tolerance = 1e-6;

/** A value of one of the descriptions that the other has not, and where; undefined where they agree. */
export interface Disagreement {
  readonly at: string;
  readonly ours: unknown;
  readonly theirs: unknown;
}

/** The first thing that a file would say otherwise. @param ours the model @param theirs what a reader makes of the file */
export const disagreement = (ours: DecoderSpec, theirs: DecoderSpec): Disagreement | undefined => {
  // A window that no text outgrows is none.
  const plain = ({ family: _, parameters: __, ...spec }: DecoderSpec) =>
    JSON.parse(
      JSON.stringify(spec, (key, value) => (key === 'window' && value >= spec.context ? undefined : value)),
    ) as unknown;
  return compare(plain(ours), plain(theirs), '');
};

/** The name of a tensor without what a family may put in front of all of them. */
const bare = (name: string): string =>
  name.replace(/^(language_model\.model|model\.language_model|transformer|model)\./, '');

function compare(ours: unknown, theirs: unknown, at: string): Disagreement | undefined {
  const differ = { at, ours, theirs };
  if (typeof ours === 'number' && typeof theirs === 'number')
    return Math.abs(ours - theirs) <= tolerance * Math.max(Math.abs(ours), Math.abs(theirs)) ? undefined : differ;
  if (typeof ours === 'string' && typeof theirs === 'string') return bare(ours) === bare(theirs) ? undefined : differ;
  if (typeof ours !== 'object' || typeof theirs !== 'object' || ours === null || theirs === null)
    return ours === theirs ? undefined : differ;
  const [one, other] = [ours as Readonly<Record<string, unknown>>, theirs as Readonly<Record<string, unknown>>];
  for (const key of new Set([...Object.keys(one), ...Object.keys(other)])) {
    const found = compare(one[key], other[key], at === '' ? key : `${at}.${key}`);
    if (found !== undefined) return found;
  }
  return undefined;
}
