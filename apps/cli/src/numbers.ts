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
export const positive = numberThat((value) => Number.isFinite(value) && value > 0, 'a number above 0');
export const zeroOrMore = numberThat((value) => Number.isFinite(value) && value >= 0, 'a number, 0 or more');
