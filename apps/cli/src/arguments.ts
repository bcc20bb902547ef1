// Reads the values of options and arguments; what does not fit is a wrong command line.
import { InvalidArgumentError } from 'commander';

/** A number of a range. */
export const numberIn =
  (least: number, most: number) =>
  (text: string): number => {
    const value = text.trim() === '' ? Number.NaN : Number(text);
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It must be a number, ${least} to ${most}.`);
  };

/** Whole numbers, as in 1,5,9. */
export function wholeNumbers(text: string): number[] {
  const values = text.split(',').map((part) => Number(part.trim() || Number.NaN));
  if (values.every((value) => Number.isSafeInteger(value) && value >= 0)) return values;
  throw new InvalidArgumentError('It must be whole numbers, 0 or more, such as 1,5,9.');
}

/** A ridge: a fraction of the mean of a second moment's diagonal. */
export function ridge(text: string): number {
  const value = Number(text);
  if (value > 0 && value <= 1) return value;
  throw new InvalidArgumentError('It must be above 0 and at most 1.');
}
