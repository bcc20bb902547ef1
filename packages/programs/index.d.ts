// What index.js offers: it runs as it is, before anything is translated.

/** Runs a program in this process. */
export function run(name: 'errata' | 'api' | 'worker' | 'engine'): Promise<void>;

/** Bundles all programs, unless that was done since their sources last changed, and answers with the directory of the bundle. */
export function build(): Promise<string>;

/** What is run, by name: the paths of sources in this repository. */
export const programs: Readonly<Record<'errata' | 'api' | 'worker' | 'engine', string>>;

/**
 * Bundles programs, by the name of what becomes of their sources, into a directory: `dist/name`, in this repository or in what is laid out like it.
 * Answers with names of packages: those that the bundle finds installed, and those that went into it.
 */
export function bundle(
  entryPoints: Readonly<Record<string, string>>,
  outdir: string,
): Promise<{ readonly installed: readonly string[]; readonly bundled: readonly string[] }>;
