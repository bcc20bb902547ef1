// Axes: where a number lies, and which numbers are written beside the axis.

export interface Scale {
  /** Decimals that tell every tick from the next. */
  readonly decimals?: number;
  /** Position of a value, from 0 at the beginning of the axis to 1 at its end. */
  readonly at: (value: number) => number;
  readonly ticks: readonly number[];
}

/** 1, 2 or 5 times a power of ten, at least as great. */
function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return (([1, 2, 5] as const).find((factor) => factor * power >= value * (1 - 1e-9)) ?? 10) * power;
}

/** An even scale that begins and ends at ticks. */
export function linearScale(least: number, greatest: number, wanted = 5): Scale {
  const step = roundUp(Math.max(greatest - least, Math.abs(greatest) * 1e-6, 1e-12) / wanted);
  const first = Math.floor(least / step + 1e-9) * step;
  const count = Math.max(1, Math.ceil((greatest - first) / step - 1e-9));
  const ticks = Array.from({ length: count + 1 }, (_, i) => Number((first + i * step).toPrecision(12)));
  const span = ticks.at(-1)! - ticks[0]!;
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  return { ticks, decimals, at: (value) => (value - ticks[0]!) / span };
}

/** A logarithmic scale with ticks at powers of ten, and at 2 and 5 times them where the range is small. */
export function logScale(least: number, greatest: number): Scale {
  const [from, to] = [Math.log10(least), Math.log10(Math.max(greatest, least * 1.0001))];
  const decades = to - from;
  const factors = decades > 2.5 ? [1] : decades > 0.9 ? [1, 2, 5] : [1, 2, 3, 4, 5, 6, 8];
  const ticks: number[] = [];
  for (let power = Math.floor(from); power <= Math.ceil(to); power++)
    for (const factor of factors) ticks.push(factor * 10 ** power);
  const at = (value: number) => (Math.log10(value) - from) / decades;
  return { at, ticks: ticks.filter((tick) => at(tick) > -1e-9 && at(tick) < 1 + 1e-9) };
}
