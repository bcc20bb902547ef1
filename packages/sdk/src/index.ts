// The face of @errata/sdk: a typed client of the Errata API.
export * from './client.ts';
export { ErrataApiError } from './errors.ts';
export type { EventsOptions } from './events.ts';
export type { Paged, PageQuery } from './pages.ts';
export type { CallOptions, ErrataOptions } from './transport.ts';
