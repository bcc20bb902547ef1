// The face of @errata/failpoints: named places where a test can make a process die, freeze or fail.
export * from './failpoint.ts';
