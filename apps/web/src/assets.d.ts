// Files that are no programs, as the build takes them in.
declare module '*.css';
declare module '*.svg' {
  /** Where the file is served. */
  const address: string;
  export default address;
}
