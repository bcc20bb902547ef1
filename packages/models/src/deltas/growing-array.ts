// Appending to arrays that are never changed: an array and what was appended to it share their memory, so that growing costs what is new.

/** Elements in use of each buffer that was made here. */
const used = new WeakMap<ArrayBufferLike, number>();

/**
 * An array with more at its end. Neither argument is changed. The first is copied only where its buffer has no room behind it, or
 * holds something else there: a chain of appends copies each element a bounded number of times, and the same chain taken twice, as
 * two views of one version do, none.
 */
export function appended(array: Float32Array, more: Float32Array): Float32Array {
  if (more.length === 0) return array;
  const length = array.length + more.length;
  const taken = array.byteOffset === 0 ? used.get(array.buffer) : undefined;
  if (
    taken !== undefined &&
    taken >= length &&
    sameBytes(new Float32Array(array.buffer, array.byteLength, more.length), more)
  )
    return new Float32Array(array.buffer, 0, length);
  const bytes = length * Float32Array.BYTES_PER_ELEMENT;
  const room = taken === array.length && array.buffer.byteLength >= bytes;
  const buffer = room ? array.buffer : new ArrayBuffer(array.length === 0 ? bytes : 2 * bytes);
  const whole = new Float32Array(buffer, 0, length);
  if (!room) whole.set(array);
  whole.set(more, array.length);
  used.set(buffer, length);
  return whole;
}

/** Whether arrays are of the same bytes. */
export function sameBytes(a: Float32Array, b: Float32Array): boolean {
  const bytes = ({ buffer, byteOffset, byteLength }: Float32Array) => Buffer.from(buffer, byteOffset, byteLength);
  return bytes(a).equals(bytes(b));
}
