// float16 and bfloat16 conversion against numpy, over every value of the formats.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { bfloat16ToFloat32, firstNonFinite, float16ToFloat32, float32ToFloat16 } from './half.ts';

const { halves } = JSON.parse(
  readFileSync(new URL('../fixtures/safetensors/expected.json', import.meta.url), 'utf8'),
) as { halves: Record<string, string | number> };

const every = Uint16Array.from({ length: 65536 }, (_, i) => i);

function sha256(array: Uint8Array | Uint16Array | Uint32Array | Float32Array): string {
  return createHash('sha256')
    .update(new Uint8Array(array.buffer, array.byteOffset, array.byteLength))
    .digest('hex');
}

function floatsOf(bits: Uint32Array<ArrayBuffer>): Float32Array {
  return new Float32Array(bits.buffer);
}

describe('float16 to float32', () => {
  test('every finite value is the one numpy gives', () => {
    const finite = every.filter((half) => (half & 0x7c00) !== 0x7c00);
    expect(sha256(float16ToFloat32(finite))).toBe(halves.float16ToFloat32Finite);
  });

  test('infinities and NaN stay what they are', () => {
    const values = float16ToFloat32(Uint16Array.of(0x7c00, 0xfc00, 0x7e00, 0x7c01, 0xffff));
    expect(Array.from(values)).toEqual([Infinity, -Infinity, NaN, NaN, NaN]);
  });
});

test('bfloat16 to float32: every bit pattern is the one numpy gives', () => {
  expect(sha256(bfloat16ToFloat32(every))).toBe(halves.bfloat16ToFloat32);
});

describe('float32 to float16', () => {
  test('every one of the 65,536 halves survives the way there and back', () => {
    const back = float32ToFloat16(float16ToFloat32(every));
    for (const half of every) {
      const notANumber = (half & 0x7fff) > 0x7c00;
      // A NaN is made quiet; all else comes back bit for bit.
      if (back[half] !== (notANumber ? half | 0x200 : half)) expect.fail(`${half} came back as ${back[half]}`);
    }
  });

  test('at every value, every midpoint and one step around each, the rounding is numpy’s: nearest, ties to even', () => {
    const finite = float16ToFloat32(every.slice(0, 0x7c00));
    const bits: number[] = [];
    const one = new Float32Array(1);
    const word = new Uint32Array(one.buffer);
    const push = (value: number): void => {
      one[0] = value;
      bits.push(word[0]!);
    };
    finite.forEach((value, i) => {
      push(value);
      push(i + 1 < finite.length ? (value + finite[i + 1]!) / 2 : 65520);
    });
    const magnitudes = [...bits, ...bits.map((bit) => bit + 1), ...bits.map((bit) => Math.max(bit, 1) - 1)];
    const around = Uint32Array.from([...magnitudes, ...magnitudes.map((bit) => (bit | 0x80000000) >>> 0)]);
    expect(around.length).toBe(halves.aroundCount);
    expect(sha256(float32ToFloat16(floatsOf(around)))).toBe(halves.float32ToFloat16Around);
  });

  test('tiny values become zero with their sign, huge ones infinity, and ties go to even', () => {
    const values = Float32Array.of(2 ** -26, -(2 ** -25), 2 ** -25 * 1.0001, 65519.9, 65520, -1e30, 2049, 2051);
    expect(Array.from(float32ToFloat16(values))).toEqual([0, 0x8000, 1, 0x7bff, 0x7c00, 0xfc00, 0x6800, 0x6802]);
  });

  test('a view into the middle of a buffer converts its own elements only', () => {
    const whole = Float32Array.of(9, 1, 2, 9);
    expect(Array.from(float32ToFloat16(whole.subarray(1, 3)))).toEqual([0x3c00, 0x4000]);
  });
});

test('firstNonFinite finds the first NaN or infinity, and nothing in finite data', () => {
  expect(firstNonFinite(Float32Array.of(0, -3.4e38, 1e-45))).toBe(-1);
  expect(firstNonFinite(Float32Array.of(0, 1, -Infinity, NaN))).toBe(2);
  expect(firstNonFinite(Float32Array.of(NaN))).toBe(0);
  expect(firstNonFinite(new Float32Array(0))).toBe(-1);
});
