// The OpenAPI document without a running service: the routes are registered over parts that are not open.
import type { ApiParts } from '../parts.ts';
import { buildServer } from '../server.ts';

/** Stands where a connection would: describing the routes opens nothing, and whatever tried to use it would say so. */
const unopened = <T extends object>(what: string): T =>
  new Proxy({} as T, {
    get() {
      throw new Error(`the ${what} is not open while the API is described`);
    },
  });

/** The text of openapi.json. */
export async function describeApi(): Promise<string> {
  const parts: ApiParts = {
    lineage: unopened('database'),
    dispatch: unopened('queue'),
    blobs: unopened('blobs'),
    servers: unopened('engine'),
    engine: unopened('engine'),
    tokenizers: unopened('engine'),
  };
  const app = await buildServer(parts);
  const document = app.swagger();
  await app.close();
  return `${JSON.stringify(document, null, 2)}\n`;
}
