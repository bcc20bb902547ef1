// The editors that have a trained transform, and the formats of the files that hold one: plain data.

/**
 * MEND's makes an update of the gradient itself, of all tokens that have one. MALMEN's says what each target token asks of a map, which least squares
 * then bring together. KE's reads the edit, and says how its gradient is masked and shifted.
 */
export const transformFormats = {
  mend: 'errata-gradient-transform/1',
  malmen: 'errata-shift-transform/1',
  ke: 'errata-conditioned-transform/1',
} as const;

export type TransformMethod = keyof typeof transformFormats;
export const transformMethods = Object.keys(transformFormats) as TransformMethod[];
