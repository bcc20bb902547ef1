// A long short-term memory over one short text, and its gradients: as a graph it would be as many nodes as there are tokens, of another count every time.

/** Its numbers; the gates stand one under another: in, forget, new, out. */
export interface LstmWeights {
  /** `[4 hidden, width]` */
  readonly input: Float32Array;
  /** `[4 hidden, hidden]` */
  readonly hidden: Float32Array;
  /** `[4 hidden]` */
  readonly bias: Float32Array;
}

/** What a step of it took and made. */
interface Step {
  readonly x: Float32Array;
  readonly before: { readonly h: Float64Array; readonly c: Float64Array };
  readonly gates: Float64Array;
  readonly c: Float64Array;
}

/** A text that was read. */
export interface Reading {
  /** The last hidden state. */
  readonly last: Float64Array;
  readonly steps: readonly Step[];
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** Reads a text, a row a token. */
export function readText({ input, hidden, bias }: LstmWeights, rows: readonly Float32Array[]): Reading {
  const size = bias.length / 4;
  let [h, c] = [new Float64Array(size), new Float64Array(size)];
  const steps: Step[] = [];
  for (const x of rows) {
    const before = { h, c };
    const gates = Float64Array.from(bias, (sum, row) => {
      let z = sum;
      for (let i = 0; i < x.length; i++) z += input[row * x.length + i]! * x[i]!;
      for (let i = 0; i < size; i++) z += hidden[row * size + i]! * before.h[i]!;
      return Math.floor(row / size) === 2 ? Math.tanh(z) : sigmoid(z);
    });
    c = before.c.map((kept, i) => gates[size + i]! * kept + gates[i]! * gates[2 * size + i]!);
    h = c.map((state, i) => gates[3 * size + i]! * Math.tanh(state));
    steps.push({ x, before, gates, c });
  }
  return { last: h, steps };
}

/** Adds to sums the gradients of the weights, given that of the last hidden state. */
export function readBack(
  { hidden }: LstmWeights,
  { steps }: Reading,
  slope: ArrayLike<number>,
  sums: LstmWeights,
): void {
  const size = slope.length;
  let dh = Float64Array.from(slope);
  let dc = new Float64Array(size);
  for (const { x, before, gates, c } of steps.toReversed()) {
    const dz = new Float64Array(4 * size);
    const dcBefore = new Float64Array(size);
    for (let i = 0; i < size; i++) {
      const [take, forget, fresh, show] = [gates[i]!, gates[size + i]!, gates[2 * size + i]!, gates[3 * size + i]!];
      const shown = Math.tanh(c[i]!);
      const d = dc[i]! + dh[i]! * show * (1 - shown ** 2);
      dz[i] = d * fresh * take * (1 - take);
      dz[size + i] = d * before.c[i]! * forget * (1 - forget);
      dz[2 * size + i] = d * take * (1 - fresh ** 2);
      dz[3 * size + i] = dh[i]! * shown * show * (1 - show);
      dcBefore[i] = d * forget;
    }
    dc = dcBefore;
    dh = new Float64Array(size);
    for (const [row, d] of dz.entries()) {
      sums.bias[row]! += d;
      for (let i = 0; i < x.length; i++) sums.input[row * x.length + i]! += d * x[i]!;
      for (let i = 0; i < size; i++) {
        sums.hidden[row * size + i]! += d * before.h[i]!;
        dh[i]! += d * hidden[row * size + i]!;
      }
    }
  }
}
