// Identifiers: a prefix that says what it names, then time and chance, so that ids sort by when they were made.
import { randomBytes } from 'node:crypto';
import { type IdPrefix, idAlphabet, idLength } from '@errata/contracts';

let lastTime = 0;
let counter = 0;

const timeLength = 10;
const counterLength = 4;

/** `prefix_`, characters of the milliseconds, a counter and chance; increasing within a process. */
export function newId(prefix: IdPrefix): string {
  const now = Math.max(Date.now(), lastTime);
  counter = now === lastTime ? counter + 1 : 0;
  lastTime = now;
  const chance = Array.from(randomBytes(idLength - timeLength - counterLength), (byte) => idAlphabet[byte % 32]).join(
    '',
  );
  return `${prefix}_${inBase32(now, timeLength)}${inBase32(counter, counterLength)}${chance}`;
}

function inBase32(value: number, width: number): string {
  let text = '';
  for (let rest = value; text.length < width; rest = Math.floor(rest / 32)) text = idAlphabet[rest % 32] + text;
  return text;
}

/** Of what was found by name or id, what has the id: a thing may have been named like another's id before that was refused. */
export const idFirst = <Row extends { readonly id: string }>(found: readonly Row[], nameOrId: string): Row | null =>
  found.find(({ id }) => id === nameOrId) ?? found[0] ?? null;
