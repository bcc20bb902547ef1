// What an address may hold behind its question mark: anything at all, of which a page takes what it understands.

export const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : typeof value === 'number' ? String(value) : undefined;

export const flag = (value: unknown): true | undefined =>
  value === true || value === 'true' || value === 1 ? true : undefined;

export const oneOf = <const T extends string>(choices: readonly T[], value: unknown): T | undefined =>
  choices.find((choice) => choice === value);
