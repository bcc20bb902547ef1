// How far back failures are looked at.

/** Days, as the address has them. */
export const spans = ['1', '7', '30'] as const;
