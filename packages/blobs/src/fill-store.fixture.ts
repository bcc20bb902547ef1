// Run by the tests in a process of its own: puts a blob that is too large and then a small one, and prints what became of them.
import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { toPlainError } from '@errata/contracts';
import { openDiskStore } from './index.ts';

// Beyond a file size limit the system sends this signal, whose default is to end the process.
process.on('SIGXFSZ', () => {});

const directory = process.argv[2]!;
const store = await openDiskStore(directory);
const outcome = (put: Promise<unknown>) =>
  put.then(
    () => 'stored',
    (error: unknown) => toPlainError(error).code,
  );
const piece = randomBytes(1 << 20);
const large = await outcome(store.put(Array.from({ length: 8 }, () => piece)));
const few = randomBytes(1024);
const small = await outcome(store.put(few));
let blobs = 0;
let readable = true;
for await (const { sha256 } of store.list()) {
  blobs += 1;
  readable &&= (await store.get(sha256)).equals(few);
}
const drafts = (await readdir(join(directory, 'tmp'))).length;
console.log(JSON.stringify({ large, small, readable, drafts, blobs }));
