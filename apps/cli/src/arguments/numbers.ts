// Numbers on the command line: each kind is read alike everywhere, and what is not one is a mistake of usage.
import { InvalidArgumentError } from 'commander';

const numberThat =
  (fits: (value: number) => boolean, must: string) =>
  (text: string): number => {
    const value = Number(text);
    if (text.trim() === '' || !fits(value)) throw new InvalidArgumentError(`It must be ${must}.`);
    return value;
  };

export const integer = numberThat(Number.isSafeInteger, 'a whole number');
export const wholeNumber = numberThat(
  (value) => Number.isSafeInteger(value) && value >= 0,
  'a whole number, 0 or more',
);
export const atLeastOne = numberThat((value) => Number.isSafeInteger(value) && value >= 1, 'a whole number, 1 or more');
export const portNumber = numberThat(
  (value) => Number.isSafeInteger(value) && value >= 0 && value <= 65_535,
  'a port, 0 to 65535',
);
export const positive = numberThat((value) => Number.isFinite(value) && value > 0, 'a number above 0');

/** A number of a range. */
export const numberIn = (least: number, most: number) =>
  numberThat((value) => value >= least && value <= most, `a number, ${least} to ${most}`);

/** Whole numbers, as in 1,5,9. */
export function wholeNumbers(text: string): number[] {
  const values = text.split(',').map((part) => Number(part.trim() || Number.NaN));
  if (values.every((value) => Number.isSafeInteger(value) && value >= 0)) return values;
  throw new InvalidArgumentError('It must be whole numbers, 0 or more, such as 1,5,9.');
}
