// Makes a wrong file out of a right one: bytes changed, JSON of another shape, lines moved; the same for the same numbers.

/** A whole number from 0 to below its argument. */
export type Pick = (below: number) => number;

/** A file that was read without complaint, and what may be done to it. */
export interface Seed {
  readonly bytes: Uint8Array;
  readonly as: 'bytes' | 'text' | 'json' | 'lines' | 'safetensors';
}

/** A file with something wrong in it, or by chance nothing. */
export function mutate({ bytes, as }: Seed, pick: Pick): Uint8Array {
  // A quarter of all files are damaged as a disk or a line damages them, whatever they hold.
  if (as === 'bytes' || pick(4) === 0) return damaged(bytes, pick);
  const text = Buffer.from(bytes).toString('utf8');
  switch (as) {
    case 'text':
      return Buffer.from(otherText(text, pick));
    case 'json':
      return Buffer.from(otherJson(text, pick));
    case 'lines':
      return Buffer.from(otherLines(text, pick));
    case 'safetensors':
      return otherHeader(bytes, pick);
  }
}

const oneOf = <T>(list: readonly T[], pick: Pick): T => list[pick(list.length)]!;

/** Numbers at which widths, signs and sizes go wrong. */
const wholes = [
  0n,
  1n,
  2n,
  127n,
  255n,
  65_535n,
  2n ** 31n - 1n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 53n,
  2n ** 63n,
  2n ** 64n - 1n,
];

function damaged(bytes: Uint8Array, pick: Pick): Uint8Array {
  let out = Buffer.from(bytes);
  for (let times = 1 + pick(3); times > 0; times--) {
    if (out.length === 0) return out;
    // What tells how long all else is stands at the beginning; a Parquet file says it at its end.
    const near = pick(3) === 0 ? out.length : Math.min(out.length, 256);
    const at = pick(6) === 0 ? out.length - 1 - pick(near) : pick(near);
    const length = 1 + pick(Math.min(64, out.length - at));
    switch (pick(7)) {
      case 0:
        out[at]! ^= 1 << pick(8);
        break;
      case 1:
        out[at] = pick(256);
        break;
      case 2:
        if (at + 8 <= out.length) out.writeBigUInt64LE(oneOf(wholes, pick), at);
        break;
      case 3:
        if (at + 4 <= out.length) out.writeUInt32LE(Number(oneOf(wholes, pick) & 0xffff_ffffn), at);
        break;
      case 4:
        out = Buffer.from(out.subarray(0, at));
        break;
      case 5:
        out = Buffer.concat([out.subarray(0, at), out.subarray(at + length)]);
        break;
      case 6:
        out = Buffer.concat([out.subarray(0, at + length), out.subarray(at)]);
        break;
    }
  }
  return out;
}

const pieces = [
  '\u0000',
  '\ufeff',
  '\ud800',
  '"',
  '{',
  ']',
  '\\',
  '\n',
  '\r',
  ',',
  '{{',
  '{%',
  '%}',
  '(',
  '[',
  'ß',
  '\u202e',
  '9'.repeat(400),
  ' '.repeat(5000),
];

function otherText(text: string, pick: Pick): string {
  const at = pick(text.length + 1);
  const to = Math.min(text.length, at + 1 + pick(20));
  switch (pick(4)) {
    case 0:
      return text.slice(0, at) + text.slice(to);
    case 1:
      return text.slice(0, at) + oneOf(pieces, pick) + text.slice(at);
    case 2: {
      const from = pick(text.length + 1);
      return text.slice(0, at) + text.slice(from, from + 40) + text.slice(to);
    }
    default:
      return text.slice(0, at) + text.slice(at, to).repeat(2 + pick(20)) + text.slice(to);
  }
}

const deep = (levels: number, open: string, close: string) => open.repeat(levels) + close.repeat(levels);

/** Values, as JSON, that are seldom what was meant. */
const values = [
  'null',
  'true',
  'false',
  '0',
  '-1',
  '1',
  '0.5',
  '-0',
  '1e308',
  '1e400',
  '9007199254740993',
  '18446744073709551615',
  '""',
  '" "',
  '"\\u0000"',
  '"\\ud800"',
  '"__proto__"',
  '"constructor"',
  '[]',
  '{}',
  '[[]]',
  '[null]',
  '{"":null}',
  '{"__proto__":{"a":1}}',
  '[1,2,3]',
  '"a"',
  '["a","a"]',
  '{"type":"Sequence"}',
  `"${'x'.repeat(10_000)}"`,
  `[${'0,'.repeat(5000)}0]`,
  deep(3000, '[', ']'),
  `${'{"a":'.repeat(3000)}1${'}'.repeat(3000)}`,
];

type Json = { readonly text: string } | { readonly items: Json[] } | { readonly fields: [string, Json][] };

const treeOf = (value: unknown): Json => {
  if (Array.isArray(value)) return { items: value.map(treeOf) };
  if (typeof value !== 'object' || value === null) return { text: JSON.stringify(value) };
  return { fields: Object.entries(value).map(([name, field]) => [name, treeOf(field)]) };
};

function written(tree: Json): string {
  if ('text' in tree) return tree.text;
  if ('items' in tree) return `[${tree.items.map(written).join(',')}]`;
  return `{${tree.fields.map(([name, field]) => `${JSON.stringify(name)}:${written(field)}`).join(',')}}`;
}

/** JSON with a value, a name or an order changed; text with no JSON in it is changed as text. */
function otherJson(text: string, pick: Pick): string {
  let tree: Json;
  try {
    tree = treeOf(JSON.parse(text));
  } catch {
    return otherText(text, pick);
  }
  for (let times = 1 + pick(2); times > 0; times--) tree = changed(tree, pick);
  return written(tree);
}

function changed(tree: Json, pick: Pick): Json {
  const places: { readonly holder: Json[] | [string, Json][]; readonly index: number }[] = [];
  const visit = (at: Json): void => {
    if ('items' in at) {
      // Of a vocabulary some entries stand for all: settings would hardly ever be met else.
      for (const index of some(at.items.length, pick)) {
        places.push({ holder: at.items, index });
        visit(at.items[index]!);
      }
    } else if ('fields' in at) {
      for (const index of some(at.fields.length, pick)) {
        places.push({ holder: at.fields, index });
        visit(at.fields[index]![1]);
      }
    }
  };
  visit(tree);
  if (places.length === 0) return { text: oneOf(values, pick) };
  const { holder, index } = oneOf(places, pick);
  const slot = holder[index]!;
  const set = (value: Json) => {
    if (Array.isArray(slot)) slot[1] = value;
    else (holder as Json[])[index] = value;
  };
  switch (pick(6)) {
    case 0:
    case 1:
      set({ text: oneOf(values, pick) });
      break;
    case 2:
      holder.splice(index, 1);
      break;
    case 3:
      (holder as unknown[]).splice(pick(holder.length + 1), 0, Array.isArray(slot) ? [...slot] : slot);
      break;
    case 4:
      if (Array.isArray(slot))
        slot[0] = oneOf(['', '__proto__', 'length', `${slot[0]} `, slot[0].toUpperCase(), 'type'], pick);
      else set({ items: [slot] });
      break;
    case 5: {
      const other = oneOf(places, pick);
      const from = other.holder[other.index];
      if (from !== undefined) set({ text: written(Array.isArray(from) ? from[1] : from) });
    }
  }
  return tree;
}

function some(length: number, pick: Pick): readonly number[] {
  const most = 24;
  return length <= most
    ? Array.from({ length }, (_, i) => i)
    : [...new Set(Array.from({ length: most }, () => pick(length)))].sort((a, b) => b - a);
}

function otherLines(text: string, pick: Pick): string {
  const lines = text.split('\n');
  const at = pick(lines.length);
  switch (pick(6)) {
    case 0:
      lines.splice(at, 1);
      break;
    case 1:
      lines.splice(pick(lines.length), 0, lines[at]!);
      break;
    case 2:
      lines[at] = otherText(lines[at]!, pick);
      break;
    default:
      lines[at] = otherJson(lines[at]!, pick);
  }
  return lines.join(pick(20) === 0 ? '\r\n' : '\n');
}

/** A safetensors file whose header says something else. */
function otherHeader(bytes: Uint8Array, pick: Pick): Uint8Array {
  const file = Buffer.from(bytes);
  const length = Number(file.readBigUInt64LE(0));
  const header = Buffer.from(otherJson(file.subarray(8, 8 + length).toString('utf8'), pick));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([size, header, file.subarray(8 + length)]);
}
