// A share as people write it.
const percent = new Intl.NumberFormat(undefined, { style: 'percent', maximumFractionDigits: 1 });
export const inPercent = (share: number): string => percent.format(share);
