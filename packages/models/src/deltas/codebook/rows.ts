// Codebooks: rows of a discrete memory beside a layer, and the book that a change of some rows makes of the one before it.

import { createHash } from 'node:crypto';
import { z } from 'zod';
import { appended } from '../growing-array.ts';

/** Sites whose output a codebook can replace, with the site that is their input. */
export const codebookKeySite = { mlp_pre: 'mlp_in', mlp_out: 'mlp_key' } as const;

/** A site that a codebook acts on. */
export type CodebookSite = keyof typeof codebookKeySite;

export const codebookSiteSchema = z.enum(Object.keys(codebookKeySite) as [CodebookSite]);

/** Where a codebook acts. */
export interface CodebookPlace {
  readonly site: CodebookSite;
  readonly layer: number;
}

/**
 * Which outputs of the site a row's value takes the place of: that of the last prompt token, whose input is the key, or those of all
 * prompt tokens before it.
 */
export const replacements = ['last', 'prompt'] as const;
export type Replacement = (typeof replacements)[number];

/** Rows of a codebook, side by side, n of them. */
export interface CodebookRows extends CodebookPlace {
  readonly keySize: number;
  readonly valueSize: number;
  /** `[n, keySize]` */
  readonly keys: Float32Array;
  /** `[n, valueSize]` */
  readonly values: Float32Array;
  /** `[n]`. Not part of what a row is: the editor moves it as neighbours come. */
  readonly radii: Float32Array;
  /** What each row was made for; n of them. */
  readonly labels: readonly string[];
  /** n of them. */
  readonly replacements: readonly Replacement[];
}

/**
 * Discrete key-value memory (GRACE, Hartvigsen et al. 2023) as a version has it. At the last prompt token the key nearest to the
 * site's input (L2), if within its own radius, replaces the site's output by its value; anywhere else the model is untouched. As a
 * delta it carries the whole state: it supersedes an earlier codebook of the same site.
 */
export interface CodebookDelta extends CodebookRows {
  readonly kind: 'codebook';
}

/** What an edit changes of the codebook before it, and nothing else: a row is stored once, however many edits come after. */
export interface CodebookRowsDelta extends CodebookRows {
  readonly kind: 'codebook_rows';
  /**
   * For each row the address of the one whose place it takes, or null where it is a further one. A row that is not there any more,
   * because the delta it came with was taken away, leaves no place: the new one is added.
   */
  readonly replaces: readonly (string | null)[];
  /** Addresses of rows that stay and get another radius. One that is not there any more is passed over. */
  readonly resized: readonly string[];
  /** `[resized.length]` */
  readonly resizedRadii: Float32Array;
}

export const placeName = ({ site, layer }: CodebookPlace): string => `${site} ${layer}`;

/** A row's bytes of an array `[n, size]`. */
const rowOf = (array: Float32Array, row: number, size: number) => array.subarray(row * size, (row + 1) * size);

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array) => new Uint8Array(buffer, byteOffset, byteLength);

/** Addresses of the books that were asked for theirs. */
const known = new WeakMap<CodebookRows, readonly string[]>();

/** The address of each row: sha256 (hex) of what it holds, its radius apart. */
export function rowAddresses(rows: CodebookRows): readonly string[] {
  const before = known.get(rows);
  if (before !== undefined) return before;
  const { keys, values, labels, keySize, valueSize } = rows;
  const addresses = labels.map((label, i) =>
    createHash('sha256')
      .update(`${JSON.stringify([label, rows.replacements[i]])}\0`)
      .update(bytesOf(rowOf(keys, i, keySize)))
      .update(bytesOf(rowOf(values, i, valueSize)))
      .digest('hex'),
  );
  known.set(rows, addresses);
  return addresses;
}

/** A codebook without rows. */
export const emptyCodebook = (place: CodebookPlace, keySize: number, valueSize: number): CodebookDelta => ({
  kind: 'codebook',
  site: place.site,
  layer: place.layer,
  keySize,
  valueSize,
  keys: new Float32Array(0),
  values: new Float32Array(0),
  radii: new Float32Array(0),
  labels: [],
  replacements: [],
});

/** The book that a change makes of the one before it. What only adds rows copies no keys and no values. */
export function changedCodebook(before: CodebookDelta, delta: CodebookRowsDelta): CodebookDelta {
  const { keySize, valueSize, replaces, resized, resizedRadii } = delta;
  const touches = resized.length > 0 || replaces.some((address) => address !== null);
  const addresses = touches ? rowAddresses(before) : known.get(before);
  const at = (address: string | null) => (address === null ? -1 : addresses!.indexOf(address));
  const places = replaces.map(at);
  const inPlace = places.some((place) => place >= 0);
  const added = places.flatMap((place, row) => (place < 0 ? [row] : []));

  const arrayOf = (old: Float32Array, own: Float32Array, size: number, copy: boolean) => {
    const changed = copy ? old.slice() : old;
    for (const [row, place] of places.entries()) if (place >= 0) changed.set(rowOf(own, row, size), place * size);
    const fresh = new Float32Array(added.length * size);
    for (const [i, row] of added.entries()) fresh.set(rowOf(own, row, size), i * size);
    return appended(changed, fresh);
  };
  const listOf = <T>(old: readonly T[], own: readonly T[]): readonly T[] => {
    const changed = [...old];
    for (const [row, place] of places.entries()) if (place >= 0) changed[place] = own[row]!;
    for (const row of added) changed.push(own[row]!);
    return changed;
  };

  const radii = before.radii.slice();
  for (const [i, address] of resized.entries()) {
    const place = at(address);
    if (place >= 0) radii[place] = resizedRadii[i]!;
  }
  const book: CodebookDelta = {
    ...before,
    keys: arrayOf(before.keys, delta.keys, keySize, inPlace),
    values: arrayOf(before.values, delta.values, valueSize, inPlace),
    radii: arrayOf(radii, delta.radii, 1, false),
    labels: listOf(before.labels, delta.labels),
    replacements: listOf(before.replacements, delta.replacements),
  };
  if (addresses !== undefined) known.set(book, listOf(addresses, rowAddresses(delta)));
  return book;
}
