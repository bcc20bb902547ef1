// Safetensors: every rule of the format attacked, agreement with the reference library, and canonical writing.

import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { ModelError, type ModelErrorCode } from '../errors.ts';
import {
  encodeSafetensors,
  openSafetensors,
  parseSafetensors,
  type WritableTensor,
  writeSafetensors,
} from './safetensors.ts';

const fixtures = new URL('../fixtures/safetensors/', import.meta.url);
const fixture = (name: string): Buffer => readFileSync(new URL(name, fixtures));
const folder = mkdtempSync(join(tmpdir(), 'safetensors-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A file with that header (text, or bytes) and that many bytes of data. */
function file(header: string | Uint8Array, dataBytes = 0, statedSize?: bigint): Uint8Array {
  const json = typeof header === 'string' ? Buffer.from(header) : header;
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(statedSize ?? BigInt(json.byteLength));
  return Buffer.concat([size, json, Buffer.alloc(dataBytes)]);
}

const entry = (begin: number, end: number, shape = [(end - begin) / 4], dtype = 'F32'): string =>
  JSON.stringify({ dtype, shape, data_offsets: [begin, end] });

function codeOf(action: () => unknown): ModelErrorCode {
  try {
    action();
  } catch (error) {
    if (error instanceof ModelError) {
      expect(error.what).not.toBe('');
      expect(error.hint).not.toBe('');
      expect(error.message.length).toBeLessThan(1000);
      return error.code;
    }
    throw error;
  }
  throw new Error('nothing was refused');
}

/** Both readers must refuse the same files for the same reason. */
function refusal(bytes: Uint8Array): ModelErrorCode {
  const path = join(folder, 'attack.safetensors');
  writeFileSync(path, bytes);
  const fromFile = codeOf(() => openSafetensors(path));
  expect(codeOf(() => parseSafetensors(bytes))).toBe(fromFile);
  return fromFile;
}

describe('attacks on the header', () => {
  test('an empty file', () => expect(refusal(new Uint8Array(0))).toBe('safetensors_too_short'));
  test('seven bytes', () => expect(refusal(new Uint8Array(7))).toBe('safetensors_too_short'));
  test('a header stated to be over 100 MB', () =>
    expect(refusal(file('{}', 0, 100_000_001n))).toBe('safetensors_header_too_large'));
  test('a header stated to be 2^64 - 1 bytes', () =>
    expect(refusal(file('{}', 0, 2n ** 64n - 1n))).toBe('safetensors_header_too_large'));
  test('a header that runs beyond the file', () =>
    expect(refusal(file('{}', 0, 3n))).toBe('safetensors_header_beyond_file'));
  test('an empty header', () => expect(refusal(file(''))).toBe('safetensors_header_not_json'));
  test('bytes that are not UTF-8', () =>
    expect(refusal(file(Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d)))).toBe('safetensors_header_not_utf8'));
  test('a byte order mark in front', () => expect(refusal(file('\ufeff{}'))).toBe('safetensors_header_not_json'));
  test('JSON cut short', () => expect(refusal(file('{"a":'))).toBe('safetensors_header_not_json'));
  test('two JSON documents', () => expect(refusal(file('{}{}'))).toBe('safetensors_header_not_json'));
  test('an array', () => expect(refusal(file('[]'))).toBe('safetensors_header_not_object'));
  test('null', () => expect(refusal(file('null'))).toBe('safetensors_header_not_object'));
  test('white space in front of the object', () => expect(refusal(file(' {}'))).toBe('safetensors_header_not_object'));
  test('brackets nested 200,000 deep', () =>
    expect(refusal(file(`{"a":${'['.repeat(200_000)}${']'.repeat(200_000)}}`))).toBe('safetensors_entry_invalid'));
  test('metadata that is not an object', () =>
    expect(refusal(file('{"__metadata__":["pt"]}'))).toBe('safetensors_metadata_invalid'));
  test('metadata with a value that is not a string', () =>
    expect(refusal(file('{"__metadata__":{"step":1}}'))).toBe('safetensors_metadata_invalid'));
});

describe('attacks by duplicate keys, which JSON.parse hides', () => {
  test('a tensor given twice', () =>
    expect(refusal(file(`{"a":${entry(0, 4)},"a":${entry(0, 4)}}`, 4))).toBe('safetensors_duplicate_key'));
  test('a tensor given twice, once by an escape', () =>
    expect(refusal(file(`{"a":${entry(0, 4)},"\\u0061":${entry(0, 4)}}`, 4))).toBe('safetensors_duplicate_key'));
  test('a second dtype', () =>
    expect(refusal(file('{"a":{"dtype":"F32","dtype":"I32","shape":[1],"data_offsets":[0,4]}}', 4))).toBe(
      'safetensors_duplicate_key',
    ));
  test('a second metadata block', () =>
    expect(refusal(file('{"__metadata__":{},"__metadata__":{}}'))).toBe('safetensors_duplicate_key'));
  test('the same key in two different objects is no duplicate', () => {
    const read = parseSafetensors(file(`{"a":${entry(0, 4)},"b":${entry(4, 8)}}`, 8));
    expect([...read.tensors.keys()]).toEqual(['a', 'b']);
  });
  test('brackets, colons and commas inside strings do not confuse the check', () => {
    const name = '{"x": [1,-2], \\ "}';
    const read = parseSafetensors(file(`{${JSON.stringify(name)}:${entry(0, 4)}}`, 4));
    expect(read.tensors.has(name)).toBe(true);
  });
});

describe('attacks on a tensor entry', () => {
  const one = (text: string, data = 4): ModelErrorCode => refusal(file(`{"a":${text}}`, data));
  test('an entry that is a number', () => expect(one('7')).toBe('safetensors_entry_invalid'));
  test('an entry without a dtype', () =>
    expect(one('{"shape":[1],"data_offsets":[0,4]}')).toBe('safetensors_entry_invalid'));
  test('an entry with a fourth field', () =>
    expect(one('{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":0}')).toBe('safetensors_entry_invalid'));
  test('an unknown dtype', () => expect(one(entry(0, 4, [1], 'F31'))).toBe('safetensors_dtype_unknown'));
  test('a dtype that is a property of every object', () =>
    expect(one(entry(0, 4, [1], 'constructor'))).toBe('safetensors_dtype_unknown'));
  test('a negative dimension', () => expect(one(entry(0, 4, [-1]))).toBe('safetensors_shape_invalid'));
  test('a fractional dimension', () => expect(one(entry(0, 4, [1.5]))).toBe('safetensors_shape_invalid'));
  test('a dimension written as 1.0', () =>
    expect(one('{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}')).toBe('safetensors_shape_invalid'));
  test('a dimension of 2^53', () =>
    expect(one('{"dtype":"F32","shape":[9007199254740992],"data_offsets":[0,4]}')).toBe('safetensors_shape_invalid'));
  test('a dimension that only rounding makes safe', () =>
    expect(one('{"dtype":"F32","shape":[9007199254740993],"data_offsets":[0,4]}')).toBe('safetensors_shape_invalid'));
  test('a shape that is not a list', () =>
    expect(one('{"dtype":"F32","shape":"4","data_offsets":[0,4]}')).toBe('safetensors_shape_invalid'));
  test('dimensions whose product passes 2^53', () =>
    expect(one(entry(0, 4, [2 ** 30, 2 ** 30]))).toBe('safetensors_size_overflow'));
  test('a size in bytes that passes 2^53 while the count does not', () =>
    expect(one(entry(0, 4, [2 ** 52]))).toBe('safetensors_size_overflow'));
  test('a product that would wrap to the right size in 64 bits', () =>
    expect(one(entry(0, 4, [2 ** 32, 2 ** 32, 1]))).toBe('safetensors_size_overflow'));
  test('shape x dtype larger than the span', () => expect(one(entry(0, 4, [2]))).toBe('safetensors_size_mismatch'));
  test('shape x dtype smaller than the span', () => expect(one(entry(0, 8, [1]), 8)).toBe('safetensors_size_mismatch'));
  test('offsets in the wrong order', () => expect(one(entry(4, 0, [1]))).toBe('safetensors_offsets_invalid'));
  test('three offsets', () =>
    expect(one('{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}')).toBe('safetensors_offsets_invalid'));
  test('a negative offset', () => expect(one(entry(-4, 0, [1]))).toBe('safetensors_offsets_invalid'));
  test('an offset of 2^53', () =>
    expect(one('{"dtype":"F32","shape":[1],"data_offsets":[9007199254740992,9007199254740996]}')).toBe(
      'safetensors_offsets_invalid',
    ));
  test('a span beyond the file', () => expect(one(entry(0, 8), 4)).toBe('safetensors_offsets_beyond_file'));
});

describe('attacks on the layout of the data', () => {
  const refusalOf = (entries: Record<string, string>, data: number): ModelErrorCode =>
    refusal(file(`{${Object.entries(entries).map(([name, text]) => `"${name}":${text}`)}}`, data));
  test('two tensors on the same bytes', () =>
    expect(refusalOf({ a: entry(0, 8), b: entry(0, 8) }, 8)).toBe('safetensors_overlap'));
  test('two tensors that share some bytes', () =>
    expect(refusalOf({ a: entry(0, 8), b: entry(4, 12) }, 12)).toBe('safetensors_overlap'));
  test('a hole between two tensors', () =>
    expect(refusalOf({ a: entry(0, 4), b: entry(8, 12) }, 12)).toBe('safetensors_hole'));
  test('a hole in front of the first', () => expect(refusalOf({ a: entry(4, 8) }, 8)).toBe('safetensors_hole'));
  test('bytes after the last (where a second file could hide)', () =>
    expect(refusalOf({ a: entry(0, 4) }, 5)).toBe('safetensors_trailing_bytes'));
  test('data without any tensor', () => expect(refusal(file('{}', 1))).toBe('safetensors_trailing_bytes'));
  test('tensors in any order of names and bytes are fine', () => {
    const read = parseSafetensors(file(`{"a":${entry(8, 12)},"b":${entry(0, 8)}}`, 12));
    expect([...read.tensors.keys()]).toEqual(['b', 'a']);
  });
  test('tensors without elements take no bytes anywhere', () => {
    const read = parseSafetensors(file(`{"a":${entry(0, 4)},"z":${entry(4, 4, [0, 2 ** 52])}}`, 4));
    expect(read.read('z').length).toBe(0);
  });
});

describe('tensor names are only names', () => {
  for (const name of ['__proto__', 'constructor', 'toString', '../../etc/passwd', '', '\u0000']) {
    test(`${JSON.stringify(name)} reads and writes like any other`, () => {
      const bytes = encodeSafetensors(new Map([[name, { shape: [2], data: Float32Array.of(1, 2) }]]));
      const read = parseSafetensors(bytes);
      expect([...read.tensors.keys()]).toEqual([name]);
      expect(Array.from(read.read(name))).toEqual([1, 2]);
      expect(({} as { dtype?: unknown }).dtype).toBeUndefined();
    });
  }
  test('a name that is not there is refused, also those every object has', () => {
    const read = parseSafetensors(fixture('f32.safetensors'));
    expect(codeOf(() => read.read('constructor'))).toBe('safetensors_tensor_missing');
    expect(codeOf(() => read.read('nothing'))).toBe('safetensors_tensor_missing');
  });
});

describe('values', () => {
  for (const [label, value] of [
    ['NaN', NaN],
    ['an infinity', -Infinity],
  ] as const) {
    test(`${label} among the weights is refused unless asked for`, () => {
      const bytes = Buffer.from(encodeSafetensors(new Map([['w', { shape: [3], data: new Float32Array(3) }]])));
      bytes.writeFloatLE(value, bytes.length - 4);
      const read = parseSafetensors(bytes);
      expect(codeOf(() => read.read('w'))).toBe('safetensors_non_finite');
      expect(Array.from(read.read('w', { finite: false }))).toEqual([0, 0, value]);
    });
  }
  test('tensors that are not floats are refused as weights, and read as they are', () => {
    const read = parseSafetensors(fixture('mixed.safetensors'));
    for (const name of ['double', 'flags', 'ids', 'small']) {
      expect(codeOf(() => read.read(name))).toBe('safetensors_not_float');
    }
    expect(Array.from(read.read('weight'))).toEqual([0.5, 1.5]);
  });
});

describe('agreement with the reference library', () => {
  interface Expected {
    readonly files: Record<string, Record<string, { shape: number[]; values?: number[]; bytes?: string }>>;
  }
  const expected = JSON.parse(fixture('expected.json').toString()) as Expected;
  for (const name of ['f32', 'f16', 'bf16']) {
    test(`reads its ${name} file to the same values, from a file and from a buffer`, () => {
      const opened = openSafetensors(new URL(`${name}.safetensors`, fixtures).pathname);
      const parsed = parseSafetensors(fixture(`${name}.safetensors`));
      const tensors = expected.files[name]!;
      expect([...opened.tensors.keys()].sort()).toEqual(Object.keys(tensors).sort());
      expect(opened.metadata).toEqual(new Map([['format', 'pt']]));
      for (const [tensor, { shape, values }] of Object.entries(tensors)) {
        expect(opened.tensors.get(tensor)!.shape).toEqual(shape);
        expect(Array.from(opened.read(tensor))).toEqual(values);
        expect(Array.from(parsed.read(tensor))).toEqual(values);
      }
      opened.close();
    });
  }
  for (const [name, dtype] of [
    ['f32', 'F32'],
    ['f16', 'F16'],
  ] as const) {
    test(`writes its ${name} file byte for byte`, () => {
      const read = parseSafetensors(fixture(`${name}.safetensors`));
      const tensors = new Map(
        [...read.tensors].map(([tensor, { shape }]) => [tensor, { shape, data: read.read(tensor) }] as const),
      );
      const written = encodeSafetensors(tensors, { dtype, metadata: { format: 'pt' } });
      expect(Buffer.from(written).equals(fixture(`${name}.safetensors`))).toBe(true);
    });
  }
  test('reads the bytes of every other dtype', () => {
    const read = parseSafetensors(fixture('mixed.safetensors'));
    for (const [tensor, { shape, bytes }] of Object.entries(expected.files.mixed!)) {
      const raw = read.readRaw(tensor);
      expect(raw.shape).toEqual(shape);
      expect(Buffer.from(raw.bytes).toString('hex')).toBe(bytes);
    }
  });
});

describe('files with a byte or two changed', () => {
  type Row = [name: string, edits: [kind: number, at: number, value: number][], accepted: boolean];
  const rows = JSON.parse(fixture('verdicts.json').toString()) as Row[];

  /** The changed file, as the oracle script makes it. */
  function changed([name, edits]: Row): Uint8Array {
    const seed = fixture(`${name}.safetensors`);
    const bytes = Array.from(seed);
    for (const [kind, at, value] of edits) {
      if (kind === 0) bytes[at] = value;
      else if (kind === 1) bytes.splice(at, 0, value);
      else bytes.splice(at, 1);
    }
    const file = Buffer.from(bytes);
    const dataBytes = seed.length - 8 - Number(seed.readBigUInt64LE());
    if (edits.every(([, at]) => at >= 8)) file.writeBigUInt64LE(BigInt(file.length - dataBytes - 8));
    return file;
  }
  const verdict = (bytes: Uint8Array): ModelErrorCode | 'accepted' => {
    try {
      parseSafetensors(bytes);
      return 'accepted';
    } catch (error) {
      if (error instanceof ModelError) return error.code;
      throw error;
    }
  };

  test('what the reference library refuses is refused', () => {
    const refused = rows.filter((row) => !row[2]);
    expect(refused.length).toBeGreaterThan(500);
    for (const row of refused) {
      if (verdict(changed(row)) === 'accepted') expect.fail(`accepted: ${JSON.stringify(row)}`);
    }
  });
  test('what it accepts is accepted', () => {
    const accepted = rows.filter((row) => row[2]);
    expect(accepted.length).toBeGreaterThan(300);
    for (const row of accepted) expect(verdict(changed(row)), JSON.stringify(row)).toBe('accepted');
  });
});

describe('an open file', () => {
  const path = join(folder, 'open.safetensors');
  writeSafetensors(path, new Map([['w', { shape: [4], data: Float32Array.of(1, 2, 3, 4) }]]));

  test('is refused to read after close, and may be closed twice', () => {
    const opened = openSafetensors(path);
    opened.close();
    opened.close();
    expect(codeOf(() => opened.read('w'))).toBe('safetensors_closed');
  });
  test('that is cut short while open is an error, not zeros', () => {
    const cut = join(folder, 'cut.safetensors');
    writeFileSync(cut, readFileSync(path));
    const opened = openSafetensors(cut);
    truncateSync(cut, readFileSync(path).length - 4);
    expect(codeOf(() => opened.read('w'))).toBe('safetensors_unreadable');
    opened.close();
  });
  test('that is absent, or a directory, is an error with the path', () => {
    expect(codeOf(() => openSafetensors(join(folder, 'absent')))).toBe('safetensors_unreadable');
    expect(codeOf(() => openSafetensors(folder))).toBe('safetensors_unreadable');
  });
  test('gives memory of its own: changing what was read changes nothing', () => {
    const parsed = parseSafetensors(readFileSync(path));
    parsed.read('w').fill(0);
    expect(Array.from(parsed.read('w'))).toEqual([1, 2, 3, 4]);
  });
  test.runIf(process.platform === 'linux')('that is refused leaves no descriptor open', () => {
    const bad = join(folder, 'bad.safetensors');
    writeFileSync(bad, file('[]'));
    const before = readdirSync('/proc/self/fd').length;
    for (let i = 0; i < 20; i++) expect(codeOf(() => openSafetensors(bad))).toBe('safetensors_header_not_object');
    expect(readdirSync('/proc/self/fd').length).toBeLessThan(before + 20);
  });
});

describe('the writer', () => {
  const weights = (data: number[]): WritableTensor => ({ shape: [data.length], data: Float32Array.from(data) });

  test('the order in which tensors come does not change the bytes', () => {
    const forward = new Map([
      ['a', weights([1])],
      ['B', weights([2, 3])],
      ['é', weights([4])],
    ]);
    const backward = new Map([...forward].reverse());
    expect(encodeSafetensors(forward)).toEqual(encodeSafetensors(backward));
  });
  test('the file on disk has the bytes of the one in memory, and tensors are made one by one', () => {
    let made = 0;
    const tensors = new Map<string, WritableTensor>(
      ['x', 'y'].map((name) => [name, { shape: [3], data: () => Float32Array.of(++made, 0, 0) }]),
    );
    const path = join(folder, 'written.safetensors');
    writeSafetensors(path, tensors, { metadata: { b: '2', a: '1' } });
    expect(made).toBe(2);
    made = 0;
    expect(readFileSync(path).equals(encodeSafetensors(tensors, { metadata: { a: '1', b: '2' } }))).toBe(true);
    expect(() => writeSafetensors(path, tensors)).toThrow(/EEXIST/);
  });
  test('the data begins on a multiple of 8 bytes, whatever the names', () => {
    for (const name of ['a', 'ab', 'abc', 'abcd', 'abcde', 'äöü', '日本']) {
      const bytes = encodeSafetensors(new Map([[name, weights([1])]]));
      expect(parseSafetensors(bytes).tensors.get(name)!.fileOffset % 8).toBe(0);
    }
  });
  test('no tensors at all make a valid file', () => {
    expect(parseSafetensors(encodeSafetensors(new Map())).tensors.size).toBe(0);
  });
  test('raw tensors pass through beside floats', () => {
    const ids = { dtype: 'I64' as const, shape: [1], bytes: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8) };
    const read = parseSafetensors(
      encodeSafetensors(
        new Map([
          ['ids', ids],
          ['w', weights([1])],
        ]),
        { dtype: 'F16' },
      ),
    );
    expect(read.readRaw('ids')).toEqual(ids);
    expect(read.tensors.get('w')!.dtype).toBe('F16');
  });
  test('data that does not fit its shape is refused', () => {
    const tensors = new Map([['w', { shape: [3], data: new Float32Array(2) }]]);
    expect(codeOf(() => encodeSafetensors(tensors))).toBe('safetensors_write_invalid');
    const negative = new Map([['w', { shape: [-1, -2], data: new Float32Array(2) }]]);
    expect(codeOf(() => encodeSafetensors(negative))).toBe('safetensors_write_invalid');
    const reserved = new Map([['__metadata__', { shape: [0], data: new Float32Array(0) }]]);
    expect(codeOf(() => encodeSafetensors(reserved))).toBe('safetensors_write_invalid');
  });
  test('NaN is never written', () => {
    expect(codeOf(() => encodeSafetensors(new Map([['w', weights([1, NaN])]])))).toBe('safetensors_non_finite');
  });
  test('a weight beyond float16 is an error, not an infinity', () => {
    const tensors = new Map([['w', weights([1, 65520])]]);
    expect(codeOf(() => encodeSafetensors(tensors, { dtype: 'F16' }))).toBe('safetensors_float16_overflow');
    expect(parseSafetensors(encodeSafetensors(tensors)).read('w')[1]).toBe(65520);
  });
});

describe('properties', () => {
  test('whatever is written reads back, exactly', () => {
    const data = fc.float32Array({ minLength: 0, maxLength: 12, noNaN: true, noDefaultInfinity: true });
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.string({ unit: 'binary' }), { maxLength: 6 }),
        fc.array(data, { minLength: 6, maxLength: 6 }),
        (names, datas) => {
          // Lone surrogates cannot be told apart in UTF-8, and one name is the format's own.
          const usable = names.filter((name) => !/\p{Surrogate}/u.test(name) && name !== '__metadata__');
          const tensors = new Map(
            usable.map((name, i) => [name, { shape: [datas[i]!.length], data: datas[i]! }] as const),
          );
          const read = parseSafetensors(encodeSafetensors(tensors));
          expect(new Set(read.tensors.keys())).toEqual(new Set(usable));
          for (const [name, tensor] of tensors) expect(read.read(name)).toEqual(tensor.data);
        },
      ),
      { numRuns: 200 },
    );
  });

  /** Whatever the bytes, either everything in them reads or the refusal is a typed one. */
  function survives(bytes: Uint8Array): void {
    try {
      const read = parseSafetensors(bytes);
      for (const name of read.tensors.keys()) read.readRaw(name);
    } catch (error) {
      if (!(error instanceof ModelError) || !error.code.startsWith('safetensors_')) throw error;
    }
  }

  const seeds = ['f32.safetensors', 'mixed.safetensors'].map(fixture);

  test('flipped, inserted and removed bytes never get through as anything but a typed error', () => {
    const mutation = fc.record({ at: fc.nat(500), value: fc.integer({ min: 0, max: 255 }), kind: fc.nat(2) });
    fc.assert(
      fc.property(fc.nat(1), fc.array(mutation, { minLength: 1, maxLength: 8 }), (seed, mutations) => {
        const bytes = Array.from(seeds[seed]!);
        for (const { at, value, kind } of mutations) {
          const index = at % Math.max(1, bytes.length);
          if (kind === 0) bytes[index] = value;
          else if (kind === 1) bytes.splice(index, 0, value);
          else bytes.splice(index, 1);
        }
        survives(Uint8Array.from(bytes));
      }),
      { numRuns: 3000 },
    );
  });

  test('headers of arbitrary JSON never get through as anything but a typed error', () => {
    fc.assert(
      fc.property(fc.json(), fc.nat(16), (json, data) => survives(file(json, data))),
      { numRuns: 1000 },
    );
  });

  test('entries with arbitrary fields never get through as anything but a typed error', () => {
    const number = fc.oneof(fc.integer({ min: -2, max: 20 }), fc.double(), fc.constantFrom(2 ** 31, 2 ** 53, 1e300));
    const tensor = fc.record({
      dtype: fc.constantFrom('F32', 'F16', 'U8', 'BF16', 'X'),
      shape: fc.array(number, { maxLength: 3 }),
      data_offsets: fc.array(number, { minLength: 1, maxLength: 3 }),
    });
    fc.assert(
      fc.property(fc.dictionary(fc.string({ maxLength: 3 }), tensor, { maxKeys: 4 }), fc.nat(40), (header, data) =>
        survives(file(JSON.stringify(header), data)),
      ),
      { numRuns: 2000 },
    );
  });
});
