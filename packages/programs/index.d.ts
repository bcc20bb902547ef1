// What index.js offers: it runs as it is, before anything is translated.

/** Runs a program in this process. */
export function run(name: 'errata' | 'api' | 'worker' | 'engine'): Promise<void>;

/** Bundles all programs, unless that was done since their sources last changed, and answers with the directory of the bundle. */
export function build(): Promise<string>;

/** Bundles programs, by the name of what becomes of their sources, into a directory beside the others. */
export function bundle(entryPoints: Readonly<Record<string, string>>, outdir: string): Promise<void>;
