// The calls of an engine process and the messages that carry them: closed unions of plain data. Binary stays in the blob store.
export type * from './artefacts.ts';
export type * from './edits.ts';
export type * from './evaluations.ts';
export type * from './messages.ts';
export type * from './methods.ts';
export type * from './models.ts';
export type * from './texts.ts';
export type * from './versions.ts';
