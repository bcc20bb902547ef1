// Parameters of paths and queries that several routes take.
import { pageQuerySchema, quoted } from '@errata/contracts';
import { z } from 'zod';

/** A path parameter: something, and not a novel. */
const piece = z.string().min(1).max(200);
export const params = <const Names extends readonly string[]>(...names: Names) =>
  z.strictObject(Object.fromEntries(names.map((name) => [name, piece])) as Record<Names[number], typeof piece>);

/** One state in a query, or several with commas between. */
export const statesOf = <S extends string>(states: readonly [S, ...S[]]) =>
  z
    .string()
    .max(400)
    .transform((text, context) => {
      const named = text.split(',');
      const stranger = named.find((name) => !states.some((state) => state === name));
      if (stranger === undefined) return named as S[];
      const message = `${stranger === '' ? 'nothing' : quoted(stranger)} is no state; there are ${states.join(', ')}`;
      context.addIssue({ code: 'custom', message });
      return z.NEVER;
    })
    .optional()
    .describe('One state, or several with commas between');

export const pageQuery = z.strictObject(pageQuerySchema.shape);

/** A moment in a query. */
export const timeQuery = z.iso.datetime({ offset: true }).max(40).optional();
