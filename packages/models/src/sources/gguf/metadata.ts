// Reading the metadata of a GGUF file by name and kind.

import { ModelError } from '../../errors.ts';
import type { GgufFile, GgufValue } from './header.ts';

/** The metadata of a file. Readers give undefined where there is nothing; those that begin with `need` refuse then. */
export interface Metadata {
  readonly number: (key: string) => number | undefined;
  readonly needNumber: (key: string) => number;
  readonly text: (key: string) => string | undefined;
  readonly flag: (key: string) => boolean | undefined;
  readonly texts: (key: string) => readonly string[] | undefined;
  readonly numbers: (key: string) => readonly number[] | undefined;
  /** The same of every layer, where it is stated layer by layer. */
  readonly uniform: (key: string) => number | undefined;
}

/** @throws ModelError gguf_malformed, from what it returns */
export function metadataOf({ where, metadata }: Pick<GgufFile, 'where' | 'metadata'>): Metadata {
  const refuse = (key: string, what: string): never => {
    throw new ModelError('gguf_malformed', {
      where,
      what: `${key} ${what}`,
      hint: 'Convert the model again, or take the file from somewhere else',
    });
  };
  const reader =
    <T extends GgufValue>(is: (value: GgufValue) => value is T, kind: string) =>
    (key: string): T | undefined => {
      const value = metadata.get(key);
      if (value === undefined) return undefined;
      return is(value) ? value : refuse(key, `is not ${kind}`);
    };
  const isNumber = (value: GgufValue): value is number => typeof value === 'number';
  const isText = (value: GgufValue): value is string => typeof value === 'string';
  const isList = (value: GgufValue): value is readonly GgufValue[] => Array.isArray(value);
  const number = reader(isNumber, 'a number');
  return {
    number,
    needNumber: (key) => number(key) ?? refuse(key, 'is missing'),
    text: reader(isText, 'a text'),
    flag: reader((value): value is boolean => typeof value === 'boolean', 'true or false'),
    texts: reader((value): value is readonly string[] => isList(value) && value.every(isText), 'a list of texts'),
    numbers: reader((value): value is readonly number[] => isList(value) && value.every(isNumber), 'a list of numbers'),
    uniform(key) {
      const value = metadata.get(key);
      if (value === undefined || isNumber(value)) return value;
      const [first] = isList(value) ? value : [];
      if (isList(value) && first !== undefined && isNumber(first) && value.every((each) => each === first))
        return first;
      return refuse(key, 'is not the same number for every layer');
    },
  };
}
