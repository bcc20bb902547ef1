// Identifiers: a prefix that says what it names, then time and chance, so that ids sort by when they were made.
import { randomBytes } from 'node:crypto';

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';
export type IdPrefix =
  | 'model'
  | 'tag'
  | 'alias'
  | 'branch'
  | 'job'
  | 'edit'
  | 'con'
  | 'art'
  | 'key'
  | 'inbox'
  | 'schedule'
  | 'run'
  | 'suite';

let lastTime = 0;
let counter = 0;

/** `prefix_` + 10 characters of milliseconds + 4 of a counter + 12 of chance; increasing within a process. */
export function newId(prefix: IdPrefix): string {
  const now = Math.max(Date.now(), lastTime);
  counter = now === lastTime ? counter + 1 : 0;
  lastTime = now;
  const chance = Array.from(randomBytes(12), (byte) => alphabet[byte % 32]).join('');
  return `${prefix}_${inBase32(now, 10)}${inBase32(counter, 4)}${chance}`;
}

function inBase32(value: number, width: number): string {
  let text = '';
  for (let rest = value; text.length < width; rest = Math.floor(rest / 32)) text = alphabet[rest % 32] + text;
  return text;
}
