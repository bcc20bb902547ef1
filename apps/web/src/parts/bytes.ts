// How much something takes, with its unit.
const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const;
const step = 1000;

const formats = units.map(
  (unit) =>
    new Intl.NumberFormat(undefined, {
      style: 'unit',
      unit,
      unitDisplay: unit === 'byte' ? 'long' : 'short',
      maximumSignificantDigits: 3,
    }),
);

/** In powers of a thousand. */
export function bytes(count: number): string {
  const power = count < step ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(count) / 3));
  return formats[power]!.format(count / step ** power).replaceAll(' ', '\u00a0');
}

const whole = new Intl.NumberFormat();

/** `3 blobs, 1.2 MB`, or `nothing`. */
export const amount = ({ blobs, bytes: size }: { readonly blobs: number; readonly bytes: number }): string =>
  blobs === 0 ? 'nothing' : `${whole.format(blobs)} ${blobs === 1 ? 'blob' : 'blobs'}, ${bytes(size)}`;
