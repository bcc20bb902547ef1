// The block formats of GGUF and how each is made into float32: in float32 throughout and in the order of the reference (ggml), to the bit.

import { bfloat16ToFloat32, float16ToFloat32, float16Values } from '../../files/half.ts';

/** How a tensor's values are stored: blocks of so many elements in so many bytes. */
export interface BlockFormat {
  readonly name: string;
  readonly elements: number;
  readonly bytes: number;
  /** @param bytes whole blocks @param out as many elements as they have */
  readonly decode: (bytes: Uint8Array<ArrayBuffer>, out: Float32Array) => void;
}

/** The places of a block that a decoder reads: `at` its first byte, `to` its first element. */
type DecodeBlock = (bytes: Uint8Array, at: number, out: Float32Array, to: number) => void;

const blocks = (name: string, elements: number, size: number, decodeBlock: DecodeBlock): BlockFormat => ({
  name,
  elements,
  bytes: size,
  decode(bytes, out) {
    for (let at = 0, to = 0; at < bytes.length; at += size, to += elements) decodeBlock(bytes, at, out, to);
  },
});

const halves = float16Values();
const halfAt = (bytes: Uint8Array, at: number): number => halves[bytes[at]! | (bytes[at + 1]! << 8)]!;
const { fround } = Math;

/** Blocks of 32 elements of 4 or 5 bits: low bits of two elements a byte, half a block apart; a fifth bit in 32 bits of their own. */
const small =
  (lowAt: number, highAt: number | undefined, center: number, minimumAt: number | undefined): DecodeBlock =>
  (bytes, at, out, to) => {
    const scale = halfAt(bytes, at);
    const minimum = minimumAt === undefined ? 0 : halfAt(bytes, at + minimumAt);
    for (let i = 0; i < 32; i++) {
      const low = (bytes[at + lowAt + (i & 15)]! >> (i < 16 ? 0 : 4)) & 15;
      const high = highAt === undefined ? 0 : (bytes[at + highAt + (i >> 3)]! >> (i & 7)) & 1;
      const product = fround(scale * ((low | (high << 4)) - center));
      out[to + i] = minimumAt === undefined ? product : product + minimum;
    }
  };

/** The six-bit scale, or minimum, of one of the eight parts of a K block, in its 12 bytes. */
function sixBits(bytes: Uint8Array, at: number, part: number, minimum: boolean): number {
  const own = at + (minimum ? 4 : 0);
  if (part < 4) return bytes[own + part]! & 63;
  const packed = bytes[at + 4 + part]!;
  return (minimum ? packed >> 4 : packed & 15) | ((bytes[own + part - 4]! >> 2) & 0x30);
}

/** K blocks of 256 elements in eight parts of 32, each with a scale and a minimum of its own. */
const k45 =
  (lowAt: number, highAt: number | undefined): DecodeBlock =>
  (bytes, at, out, to) => {
    const [d, least] = [halfAt(bytes, at), halfAt(bytes, at + 2)];
    for (let part = 0; part < 8; part++) {
      const scale = fround(d * sixBits(bytes, at + 4, part, false));
      const minimum = fround(least * sixBits(bytes, at + 4, part, true));
      const low = at + lowAt + 32 * (part >> 1);
      for (let i = 0; i < 32; i++) {
        const bits = (bytes[low + i]! >> (part & 1 ? 4 : 0)) & 15;
        const high = highAt === undefined ? 0 : (bytes[at + highAt + i]! >> part) & 1;
        out[to + 32 * part + i] = fround(scale * (bits | (high << 4))) - minimum;
      }
    }
  };

const signed = (byte: number): number => (byte << 24) >> 24;

/** By the format's number for each. */
export const blockFormats: Readonly<Record<number, BlockFormat>> = {
  0: { name: 'F32', elements: 1, bytes: 4, decode: (bytes, out) => out.set(new Float32Array(bytes.buffer)) },
  1: {
    name: 'F16',
    elements: 1,
    bytes: 2,
    decode: (bytes, out) => out.set(float16ToFloat32(new Uint16Array(bytes.buffer))),
  },
  2: blocks('Q4_0', 32, 18, small(2, undefined, 8, undefined)),
  3: blocks('Q4_1', 32, 20, small(4, undefined, 0, 2)),
  6: blocks('Q5_0', 32, 22, small(6, 2, 16, undefined)),
  7: blocks('Q5_1', 32, 24, small(8, 4, 0, 2)),
  8: blocks('Q8_0', 32, 34, (bytes, at, out, to) => {
    const scale = halfAt(bytes, at);
    for (let i = 0; i < 32; i++) out[to + i] = signed(bytes[at + 2 + i]!) * scale;
  }),
  10: blocks('Q2_K', 256, 84, (bytes, at, out, to) => {
    const [d, least] = [halfAt(bytes, at + 80), halfAt(bytes, at + 82)];
    for (let i = 0; i < 256; i++) {
      const packed = bytes[at + (i >> 4)]!;
      const bits = (bytes[at + 16 + 32 * (i >> 7) + (i & 31)]! >> (2 * ((i >> 5) & 3))) & 3;
      out[to + i] = fround(fround(d * (packed & 15)) * bits) - fround(least * (packed >> 4));
    }
  }),
  11: blocks('Q3_K', 256, 110, (bytes, at, out, to) => {
    const d = halfAt(bytes, at + 108);
    for (let i = 0; i < 256; i++) {
      const part = i >> 4;
      const low = (bytes[at + 96 + (part & 7)]! >> (part < 8 ? 0 : 4)) & 15;
      const high = (bytes[at + 104 + (part & 3)]! >> (2 * (part >> 2))) & 3;
      const scale = fround(d * ((low | (high << 4)) - 32));
      const bits = (bytes[at + 32 + 32 * (i >> 7) + (i & 31)]! >> (2 * ((i >> 5) & 3))) & 3;
      const kept = (bytes[at + (i & 31)]! >> (i >> 5)) & 1;
      out[to + i] = scale * (bits - (kept === 1 ? 0 : 4));
    }
  }),
  12: blocks('Q4_K', 256, 144, k45(16, undefined)),
  13: blocks('Q5_K', 256, 176, k45(48, 16)),
  14: blocks('Q6_K', 256, 210, (bytes, at, out, to) => {
    const d = halfAt(bytes, at + 208);
    for (let i = 0; i < 256; i++) {
      const half = i >> 7;
      const low = (bytes[at + 64 * half + (i & 63)]! >> (i & 64 ? 4 : 0)) & 15;
      const high = (bytes[at + 128 + 32 * half + (i & 31)]! >> (2 * ((i >> 5) & 3))) & 3;
      out[to + i] = fround(d * signed(bytes[at + 192 + (i >> 4)]!)) * ((low | (high << 4)) - 32);
    }
  }),
  30: {
    name: 'BF16',
    elements: 1,
    bytes: 2,
    decode: (bytes, out) => out.set(bfloat16ToFloat32(new Uint16Array(bytes.buffer))),
  },
};
