// What build.js offers: it runs as it is, before anything is translated.

/** Builds the dashboard into dist/, unless that was done since its sources last changed. */
export function build(): Promise<void>;
