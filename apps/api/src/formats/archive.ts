// A directory as a tar archive, streamed file by file.
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { pack } from 'tar-stream';

/** The named files of a directory, in this order. `closed` is called once, when the stream has ended or was given up. */
export function archiveOf(directory: string, files: readonly string[], closed: () => void): Readable {
  const archive = pack();
  const write = async () => {
    for (const name of files) {
      const { size } = await stat(join(directory, name));
      await pipeline(createReadStream(join(directory, name)), archive.entry({ name, size }));
    }
    archive.finalize();
  };
  write().catch((error) => archive.destroy(error));
  const stream = Readable.from(archive, { objectMode: false });
  stream.once('close', closed);
  return stream;
}
