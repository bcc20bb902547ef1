// Where the shipped model lies.
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const shippedModel = fileURLToPath(new URL('../../../models/atlas', import.meta.url));

/** As it is typed from here. */
export const shippedModelFromHere = (): string => relative(process.cwd(), shippedModel) || '.';
