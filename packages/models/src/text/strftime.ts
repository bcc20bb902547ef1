// Dates as templates ask for them, in the codes of C's strftime and in English.

type Say = (date: Date) => string;

const padded = (number: number, width = 2, by = '0'): string => String(number).padStart(width, by);
const named = (options: Intl.DateTimeFormatOptions): Say => {
  const format = new Intl.DateTimeFormat('en-US', options);
  return (date) => format.format(date);
};
const hour12 = (date: Date): number => date.getHours() % 12 || 12;
const dayOfYear = (date: Date): number =>
  1 +
  Math.round(
    (Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) - Date.UTC(date.getFullYear(), 0, 1)) / 86_400_000,
  );

const codes: Readonly<Record<string, Say>> = {
  '%': () => '%',
  A: named({ weekday: 'long' }),
  a: named({ weekday: 'short' }),
  B: named({ month: 'long' }),
  b: named({ month: 'short' }),
  d: (date) => padded(date.getDate()),
  e: (date) => padded(date.getDate(), 2, ' '),
  H: (date) => padded(date.getHours()),
  I: (date) => padded(hour12(date)),
  j: (date) => padded(dayOfYear(date), 3),
  M: (date) => padded(date.getMinutes()),
  m: (date) => padded(date.getMonth() + 1),
  p: (date) => (date.getHours() < 12 ? 'AM' : 'PM'),
  S: (date) => padded(date.getSeconds()),
  Y: (date) => String(date.getFullYear()),
  y: (date) => padded(date.getFullYear() % 100),
};

/** A date in local time; `%-d` and its like are without padding, and codes that are not known stay as they are. */
export const strftime = (format: string, date: Date): string =>
  format.replace(/%(-?)([A-Za-z%])/g, (whole, bare: string, code: string) => {
    const said = codes[code]?.(date);
    if (said === undefined) return whole;
    return bare === '' ? said : said.replace(/^[0 ]+(?=.)/, '');
  });
