// How sure a share is that was counted over few.

export interface ShareInterval {
  readonly low: number;
  readonly high: number;
}

/** 1.96 standard deviations: 95 of 100 such intervals hold the true share. */
const z = 1.96;

/** Of a share of `count` probes, each right or wrong: the score interval of Wilson (JASA 22, 1927). Null where nothing was counted. */
export function shareInterval(share: number, count: number): ShareInterval | null {
  if (count <= 0) return null;
  const centre = (share + (z * z) / (2 * count)) / (1 + (z * z) / count);
  const half = (z / (1 + (z * z) / count)) * Math.sqrt((share * (1 - share)) / count + (z * z) / (4 * count * count));
  return { low: Math.max(0, centre - half), high: Math.min(1, centre + half) };
}
