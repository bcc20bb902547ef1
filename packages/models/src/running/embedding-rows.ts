// Rows of embedding tables in training: looked up before a run, their gradients scattered after it.

/** What the rows of a batch are made of. */
export interface Embeddings {
  readonly tokens: Float32Array;
  /** Factor of the token embeddings. */
  readonly scale: number;
  readonly positions: Float32Array | undefined;
}

/** Embedding rows of a batch, positions added where they are learned. */
export function embedRows(width: number, embeddings: Embeddings, ids: Int32Array, at: Int32Array): Float32Array {
  const { tokens, scale, positions } = embeddings;
  const rows = new Float32Array(ids.length * width);
  for (let r = 0; r < ids.length; r++) {
    const token = ids[r]! * width;
    for (let j = 0; j < width; j++) rows[r * width + j] = scale * tokens[token + j]!;
    if (!positions) continue;
    const from = at[r]! * width;
    for (let j = 0; j < width; j++) rows[r * width + j]! += positions[from + j]!;
  }
  return rows;
}

/** Adds the rows of a gradient, times a factor, to the rows of a table that they came from. */
export function scatterAdd(
  table: Float32Array,
  indices: Int32Array,
  rows: Float32Array,
  width: number,
  scale = 1,
): void {
  for (let r = 0; r < indices.length; r++) {
    const to = indices[r]! * width;
    for (let j = 0; j < width; j++) table[to + j]! += scale * rows[r * width + j]!;
  }
}
