// What JSON may look like before anything is made of it: how deep, how wide, how much, and which characters its texts may hold.

/** Bounds on one JSON document. Each costs one look at its text, where parsing and checking cost many. */
export interface JsonLimits {
  /** Arrays and objects within one another. */
  readonly depth: number;
  /** Items of one array, or fields of one object. */
  readonly width: number;
  /** Values in all: numbers, texts, arrays, objects, every field counted once. */
  readonly values: number;
}

/** Bounds on one line of JSONL and on one item of a list of edits or cases; real ones have some hundred values. */
export const itemShape: JsonLimits = { depth: 32, width: 1000, values: 20_000 };

const quote = 0x22;
const backslash = 0x5c;
const newline = 0x0a;
const [openArray, closeArray, openObject, closeObject, comma] = [0x5b, 0x5d, 0x7b, 0x7d, 0x2c];

/**
 * What of a JSON text is beyond its limits, in words; null when nothing is. Looks at brackets and commas alone: whether the text is
 * JSON is for the parser to say.
 */
export function complainOfShape(json: string, { depth, width, values }: JsonLimits): string | null {
  const widths = [0];
  let total = 1;
  for (let at = 0; at < json.length; at++) {
    const code = json.charCodeAt(at);
    if (code === quote) {
      // A text ends with its line at the latest: no line break stands in one.
      for (at++; at < json.length; at++) {
        const inner = json.charCodeAt(at);
        if (inner === quote || inner === newline) break;
        if (inner === backslash) at++;
      }
    } else if (code === openArray || code === openObject) {
      if (widths.length > depth) return `it is nested more than ${depth} deep`;
      widths.push(1);
      total++;
    } else if (code === comma) {
      const items = widths[widths.length - 1]! + 1;
      widths[widths.length - 1] = items;
      total++;
      if (widths.length > 1 && items > width) return `an array or object in it has more than ${width} items`;
    } else if ((code === closeArray || code === closeObject) && widths.length > 1) widths.pop();
    if (total > values) return `it has more than ${values} values`;
  }
  return null;
}

/** {@link complainOfShape} of a value that is parsed already. */
export function complainOfSize(value: unknown, { depth, width, values }: JsonLimits): string | null {
  let left = values;
  const visit = (item: unknown, inside: number): string | null => {
    left -= 1;
    if (left < 0) return `it has more than ${values} values`;
    if (typeof item !== 'object' || item === null) return null;
    if (inside >= depth) return `it is nested more than ${depth} deep`;
    const items = Array.isArray(item) ? item : Object.values(item);
    if (items.length > width) return `an array or object in it has more than ${width} items`;
    for (const each of items) {
      const complaint = visit(each, inside + 1);
      if (complaint !== null) return complaint;
    }
    return null;
  };
  return visit(value, 0);
}

/** Neither the database nor UTF-8 can hold these: U+0000, and one half of a surrogate pair without the other. */
const unusable = /\0|\p{Cs}/u;
export const isUsableText = (text: string): boolean => !unusable.test(text);
export const unusableText = 'holds U+0000 or half of a surrogate pair, which no text can';

const mayEscapeThem = /\\u(0000|d[89a-f])/i;

/**
 * Where a value holds a text that cannot be used, keys included; null when none does.
 * @param json what the value was parsed from: only escapes bring such characters into it
 */
export function findUnusableText(json: string, value: unknown): readonly (string | number)[] | null {
  return mayEscapeThem.test(json) ? search(value) : null;
}

function search(value: unknown): readonly (string | number)[] | null {
  if (typeof value === 'string') return isUsableText(value) ? null : [];
  if (typeof value !== 'object' || value === null) return null;
  for (const [key, item] of Object.entries(value)) {
    if (!isUsableText(key)) return [];
    const found = search(item);
    if (found !== null) return [Array.isArray(value) ? Number(key) : key, ...found];
  }
  return null;
}
