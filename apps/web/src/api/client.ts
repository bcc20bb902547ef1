// The one client of the API: the SDK, with the cookie that the browser has from signing in.
import { createErrata } from '@errata/sdk';

let csrfToken: string | null = null;

/** What the session says that requests bring; in this page's memory and nowhere else. */
export function keepCsrfToken(token: string | null): void {
  csrfToken = token;
}

export const errata = createErrata({
  baseUrl: location.origin,
  csrfToken: () => csrfToken,
  maxRetries: 2,
  // Looked up at each call: what stands in for it later is used.
  fetch: (url, init) => fetch(url, init),
});
