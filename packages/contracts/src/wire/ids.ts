// Identifiers: what each begins with and is made of. No name looks like one, so that what stands for a thing stands for it alone.
import { versionPrefix } from './manifest.ts';

export const idPrefixes = [
  'model',
  'tag',
  'alias',
  'branch',
  'job',
  'edit',
  'con',
  'art',
  'key',
  'person',
  'inbox',
  'schedule',
  'run',
  'suite',
  'webhook',
  'delivery',
  'project',
] as const;
export type IdPrefix = (typeof idPrefixes)[number];

/** What follows `prefix_`: so many of these characters. Letters that are taken for others are left out. */
export const idAlphabet = '0123456789abcdefghjkmnpqrstvwxyz';
export const idLength = 26;

const idShape = new RegExp(`^(${idPrefixes.join('|')})_[${idAlphabet}]{${idLength}}$`);

/** What is told from names by its beginning, also where that is all that is given. */
const beginnings = [versionPrefix, 'job_', 'edit_'];

/** Whether a text is an id, or may be the beginning of one. */
export const looksLikeId = (text: string): boolean =>
  beginnings.some((beginning) => text.startsWith(beginning)) || idShape.test(text);
