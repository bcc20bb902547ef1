// How some tensors of a GGUF file lie otherwise than in a checkpoint, put back.

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
}

/** Gemma's norms are stored with the 1 that is added to them. */
export const fromOnePlus: Rearrangement = {
  shape: (shape) => shape,
  values: (values) => values.map((value) => value - 1),
};

/** GPT-2's maps are stored [out, in], and are [in, out] in its checkpoints. */
export const transposed: Rearrangement = {
  shape: (shape) => shape.toReversed(),
  values(values, shape) {
    if (shape.length !== 2) return values;
    const [rows, columns] = shape as readonly [number, number];
    const turned = new Float32Array(values.length);
    for (let row = 0; row < rows; row++)
      for (let column = 0; column < columns; column++) turned[column * rows + row] = values[row * columns + column]!;
    return turned;
  },
};

/** Llama's queries and keys: the rows of a head that rotate together stand side by side, and half a head apart in its checkpoints. */
export const unpermuted = (headCount: string): Rearrangement => ({
  shape: (shape) => shape,
  values(values, shape, count) {
    const rows = shape[0]!;
    const width = values.length / rows;
    const size = rows / count(headCount);
    const put = new Float32Array(values.length);
    for (let row = 0; row < rows; row++) {
      const within = row % size;
      const from = row - within + (within % (size / 2)) * 2 + Math.floor(within / (size / 2));
      put.set(values.subarray(from * width, (from + 1) * width), row * width);
    }
    return put;
  },
});
