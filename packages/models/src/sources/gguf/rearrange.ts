// How some tensors of a GGUF file lie otherwise than in a checkpoint: put back when it is read, and as the file has them when it is written.

/** What puts a tensor back. Biases are vectors; matrices are [out, in]. */
export interface Rearrangement {
  /** The shape that it has then. */
  readonly shape: (shape: readonly number[]) => readonly number[];
  /** @param count a number of the architecture's own, such as `attention.head_count` */
  readonly values: (
    values: Float32Array<ArrayBuffer>,
    shape: readonly number[],
    count: (key: string) => number,
  ) => Float32Array<ArrayBuffer>;
  /** The other way: from a checkpoint's `shape` to the file's. */
  readonly stored: Rearrangement['values'];
}

/** Gemma's norms are stored with the 1 that is added to them. */
export const fromOnePlus: Rearrangement = {
  shape: (shape) => shape,
  values: (values) => values.map((value) => value - 1),
  stored: (values) => values.map((value) => value + 1),
};

/** `[rows, columns]` to `[columns, rows]`; a vector as it is. */
const turned: Rearrangement['values'] = (values, shape) => {
  if (shape.length !== 2) return values;
  const [rows, columns] = shape as readonly [number, number];
  const put = new Float32Array(values.length);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) put[column * rows + row] = values[row * columns + column]!;
  return put;
};

/** GPT-2's maps are stored [out, in], and are [in, out] in its checkpoints. */
export const transposed: Rearrangement = {
  shape: (shape) => shape.toReversed(),
  values: turned,
  stored: turned,
};

/** Llama's queries and keys: the rows of a head that rotate together stand side by side, and half a head apart in its checkpoints. */
export const unpermuted = (headCount: string): Rearrangement => {
  const moved =
    (
      target: (row: number, within: number, size: number) => readonly [from: number, to: number],
    ): Rearrangement['values'] =>
    (values, shape, count) => {
      const rows = shape[0]!;
      const width = values.length / rows;
      const size = rows / count(headCount);
      const put = new Float32Array(values.length);
      for (let row = 0; row < rows; row++) {
        const [from, to] = target(row, row % size, size);
        put.set(values.subarray(from * width, (from + 1) * width), to * width);
      }
      return put;
    };
  /** Where in a file the row of a checkpoint lies. */
  const inFile = (row: number, within: number, size: number) =>
    row - within + (within % (size / 2)) * 2 + Math.floor(within / (size / 2));
  return {
    shape: (shape) => shape,
    values: moved((row, within, size) => [inFile(row, within, size), row]),
    stored: moved((row, within, size) => [row, inFile(row, within, size)]),
  };
};
