// Float32 as the blocks of GGUF: to the bit as the gguf package makes them.

import type { ExportDtype } from '@errata/contracts';
import { float16ToFloat32, float32ToFloat16 } from '../../files/half.ts';
import { inSixteenBits } from '../../files/safetensors.ts';

/** How an element type is written. */
export interface BlockEncoding {
  /** The format's number for it, and for a file mostly of it. */
  readonly type: number;
  readonly fileType: number;
  readonly elements: number;
  readonly bytes: number;
  /** @throws ModelError safetensors_float16_overflow */
  readonly encode: (name: string, values: Float32Array) => Uint8Array;
}

const where = 'the GGUF file';
const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array | Uint16Array) =>
  new Uint8Array(buffer, byteOffset, byteLength);

const { fround } = Math;

/** To the nearest whole number, halves away from zero, as C rounds. */
const rounded = (value: number): number => {
  const size = Math.abs(value);
  const whole = Math.floor(size);
  return Math.sign(value) * (whole + Math.floor(2 * (size - whole)));
};

/** Blocks of 32: a float16 scale, the largest of them over 127, and 32 signed bytes. */
function q8(_: string, values: Float32Array): Uint8Array {
  const count = values.length / 32;
  const out = new Uint8Array(count * 34);
  const scales = new Float32Array(count);
  for (let block = 0; block < count; block++) {
    let largest = 0;
    for (let i = 0; i < 32; i++) largest = Math.max(largest, Math.abs(values[block * 32 + i]!));
    const scale = fround(largest / 127);
    const inverse = scale === 0 ? 0 : fround(1 / scale);
    scales[block] = scale;
    for (let i = 0; i < 32; i++) out[block * 34 + 2 + i] = rounded(fround(values[block * 32 + i]! * inverse)) & 255;
  }
  const halves = float32ToFloat16(scales);
  for (const [block, half] of halves.entries()) {
    out[block * 34] = half & 255;
    out[block * 34 + 1] = half >> 8;
  }
  if (!float16ToFloat32(halves).every(Number.isFinite)) inSixteenBits(where, _, scales, 'F16');
  return out;
}

export const blockEncodings: Readonly<Record<ExportDtype, BlockEncoding>> = {
  float32: { type: 0, fileType: 0, elements: 1, bytes: 4, encode: (_, values) => bytesOf(values) },
  float16: {
    type: 1,
    fileType: 1,
    elements: 1,
    bytes: 2,
    encode: (name, values) => bytesOf(inSixteenBits(where, name, values, 'F16')),
  },
  bfloat16: {
    type: 30,
    fileType: 32,
    elements: 1,
    bytes: 2,
    encode: (name, values) => bytesOf(inSixteenBits(where, name, values, 'BF16')),
  },
  q8_0: { type: 8, fileType: 7, elements: 32, bytes: 34, encode: q8 },
};
