// Why some editors do not edit models whose prompts an encoder reads.

/** Those that write to the place where a decoder looks a subject up. */
export const noSubjectSite =
  'it writes where a decoder looks a subject up; an encoder reads the subject, and no such place is known in it';

/** Those whose authors have shown it for decoders alone, and which nobody has carried over. */
export const decodersAlone = (what: string): string => `${what}, which was worked out for decoders alone`;
